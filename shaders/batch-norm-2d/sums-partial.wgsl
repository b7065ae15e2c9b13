// Batch norm backward, sums of chunks: partials[chunk, channel] = (sum of dy, sum of dy * normalized) of one channel over
// one chunk of rows, where dy is outputGradient and normalized = (input - mean) * inverseDeviation; both arrays are
// row-major [rows, channels].
// One invocation sums every `lanes`-th row of its chunk for one channel; a tree adds the lanes.

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
  let inside = place.channel < uniforms.channels && place.chunk < uniforms.chunks;
  var sum = vec2<f32>(0.0);
  if (inside) {
    let channelMean = mean[place.channel];
    let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
    for (var row = place.chunk * uniforms.rowsPerChunk + place.lane; row < end; row += lanes) {
      let i = row * uniforms.channels + place.channel;
      let gradient = outputGradient[i];
      sum += vec2<f32>(gradient, gradient * (input[i] - channelMean));
    }
    sum.y *= inverseDeviation[place.channel];
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
    partials[place.chunk * uniforms.channels + place.channel] = sum;
  }
}
