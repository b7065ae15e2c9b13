// Merges the moments that the lanes of a workgroup have found for a column; the first lane gets the result. A tree, so that
// the order is always the same. On adapters that run on the CPU a column has one lane, and nothing is to be done.

#include "batch-norm-2d/column-tile.wgsl"
#include "batch-norm-2d/moments.wgsl"

#if ${tree}
var<workgroup> merged: array<Moments, ${workgroupSize}>;
#endif

fn momentsOfLanes(place: TilePlace, local: u32, moments: Moments) -> Moments {
#if ${tree}
  merged[local] = moments;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (place.lane < half) {
      merged[local] = mergeMoments(merged[local], merged[local + half * tileColumns]);
    }
    workgroupBarrier();
  }
  return merged[local];
#else
  return moments;
#endif
}
