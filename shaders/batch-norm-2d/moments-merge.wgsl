// Batch norm, moments of all rows: merges partials[chunk, channel] = (mean - origin, sum of squared
// deviations) into moments[channel], of the same form. All chunks hold rowsPerChunk rows except the last one. Where the input is larger than one binding,
// moments already holds those of the earlierRows rows before this window.
// One invocation merges every `lanes`-th chunk of one channel; a tree merges the lanes in a fixed order.

#include "common/linear-index.wgsl"
#include "batch-norm-2d/column-tile.wgsl"
#include "batch-norm-2d/moments.wgsl"

var<workgroup> merged: array<vec3<f32>, ${workgroupSize}>;

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.channels);
  let inside = place.channel < uniforms.channels && place.chunk == 0u;
  var total = vec3<f32>(0.0);
  if (inside) {
    for (var chunk = place.lane; chunk < uniforms.chunks; chunk += lanes) {
      let count = min(uniforms.rowsPerChunk, uniforms.rows - chunk * uniforms.rowsPerChunk);
      let partial = partials[chunk * uniforms.channels + place.channel];
      total = mergeMoments(total, vec3<f32>(partial, f32(count)));
    }
  }
  merged[local] = total;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (place.lane < half) {
      merged[local] = mergeMoments(merged[local], merged[local + half * tileChannels]);
    }
    workgroupBarrier();
  }
  if (inside && place.lane == 0u) {
    var earlier = vec3<f32>(0.0);
    if (uniforms.earlierRows > 0u) {
      earlier = vec3<f32>(moments[place.channel], f32(uniforms.earlierRows));
    }
    moments[place.channel] = mergeMoments(earlier, merged[local]).xy;
  }
}
