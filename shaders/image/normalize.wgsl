// image normalize: output[p, c] = (input[p, c] / 255 - mean_c) / std_c for every pixel p; input bytes [pixels, inputChannels]
// four to a word, output f32 [pixels, channels], at most 4 channels. A grey input is the same in every output channel.
// One invocation computes one element of the output.

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i >= uniforms.size) {
    return;
  }
  let channel = i % uniforms.channels;
  let place = i / uniforms.channels * uniforms.inputChannels + min(channel, uniforms.inputChannels - 1u);
  let byte = (input[place / 4u] >> (place % 4u * 8u)) & 0xffu;
  let mean = vec4<f32>(uniforms.mean0, uniforms.mean1, uniforms.mean2, uniforms.mean3);
  let deviation = vec4<f32>(uniforms.std0, uniforms.std1, uniforms.std2, uniforms.std3);
  output[i] = (f32(byte) / 255.0 - mean[channel]) / deviation[channel];
}
