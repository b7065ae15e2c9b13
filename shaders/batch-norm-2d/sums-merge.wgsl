// Batch norm backward, sums of all rows: gradientSum[channel] = sum of dy and productSum[channel] = sum of
// dy * normalized, from partials[chunk, channel]. Where the input is larger than one binding, both already hold the sums
// of the windows before this one (earlierRows > 0).
// One invocation adds every `lanes`-th chunk of one channel; a tree adds the lanes in a fixed order.

#include "common/linear-index.wgsl"
#include "batch-norm-2d/column-tile.wgsl"

#if ${tree}
var<workgroup> sums: array<vec2<f32>, ${workgroupSize}>;
#endif

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.channels);
  let inside = place.channel < uniforms.channels && place.chunk == 0u;
  var sum = vec2<f32>(0.0);
  if (inside) {
    for (var chunk = place.lane; chunk < uniforms.chunks; chunk += lanes) {
      sum += partials[chunk * uniforms.channels + place.channel];
    }
  }
#if ${tree}
  sums[local] = sum;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (place.lane < half) {
      sums[local] += sums[local + half * tileChannels];
    }
    workgroupBarrier();
  }
  sum = sums[local];
#endif
  if (inside && place.lane == 0u) {
    var total = sum;
    if (uniforms.earlierRows > 0u) {
      total += vec2<f32>(gradientSum[place.channel], productSum[place.channel]);
    }
    gradientSum[place.channel] = total.x;
    productSum[place.channel] = total.y;
  }
}
