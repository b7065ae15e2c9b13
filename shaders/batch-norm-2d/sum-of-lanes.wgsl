// Adds what the lanes of a workgroup have summed for a column; the first lane gets the result. A tree, so that the order is
// always the same. On adapters that run on the CPU a column has one lane, and nothing is to be done.

#include "batch-norm-2d/column-tile.wgsl"

struct Sums {
  gradients: Value,
  products: Value,
}

fn addSums(a: Sums, b: Sums) -> Sums {
  return Sums(a.gradients + b.gradients, a.products + b.products);
}

#if ${tree}
var<workgroup> sums: array<Sums, ${workgroupSize}>;
#endif

fn sumOfLanes(place: TilePlace, local: u32, sum: Sums) -> Sums {
#if ${tree}
  sums[local] = sum;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (place.lane < half) {
      sums[local] = addSums(sums[local], sums[local + half * tileColumns]);
    }
    workgroupBarrier();
  }
  return sums[local];
#else
  return sum;
#endif
}
