// Batch norm, moments of all rows: merges partials[chunk, channel] = (mean - origin, sum of squared
// deviations) into moments[channel], of the same form. All chunks hold rowsPerChunk rows except the last one. Where the input is larger than one binding,
// moments already holds those of the earlierRows rows before this window.
// One invocation merges every `lanes`-th chunk of one channel; a tree merges the lanes in a fixed order.

#include "common/linear-index.wgsl"
#include "batch-norm-2d/column-tile.wgsl"
#include "batch-norm-2d/moments.wgsl"

#if ${tree}
var<workgroup> merged: array<vec3<f32>, ${workgroupSize}>;
#endif

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.channels);
  let inside = place.channel < uniforms.channels && place.chunk == 0u;
  var total = vec3<f32>(0.0);
  if (inside && place.lane < uniforms.chunks) {
    // sums relative to the lane's first mean: one rounding of the mean instead of one for each chunk
    let shift = partials[place.lane * uniforms.channels + place.channel].x;
    var count = 0.0;
    var sum = 0.0;
    var squares = 0.0;
    for (var chunk = place.lane; chunk < uniforms.chunks; chunk += lanes) {
      let rows = f32(min(uniforms.rowsPerChunk, uniforms.rows - chunk * uniforms.rowsPerChunk));
      let partial = partials[chunk * uniforms.channels + place.channel];
      let difference = partial.x - shift;
      sum += rows * difference;
      squares += partial.y + rows * difference * difference;
      count += rows;
    }
    let mean = sum / count;
    total = vec3<f32>(shift + mean, squares - sum * mean, count);
  }
#if ${tree}
  merged[local] = total;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (place.lane < half) {
      merged[local] = mergeMoments(merged[local], merged[local + half * tileChannels]);
    }
    workgroupBarrier();
  }
  total = merged[local];
#endif
  if (inside && place.lane == 0u) {
    var earlier = vec3<f32>(0.0);
    if (uniforms.earlierRows > 0u) {
      earlier = vec3<f32>(moments[place.channel], f32(uniforms.earlierRows));
    }
    moments[place.channel] = mergeMoments(earlier, total).xy;
  }
}
