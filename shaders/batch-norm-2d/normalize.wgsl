// Batch norm forward: output = (input - mean[channel]) * scale[channel] + bias[channel]. The mean is subtracted first:
// folding it into the bias would lose digits where the mean is large against the deviation.
// One invocation computes one element of row-major [rows, channels] arrays, the first of which is of firstChannel.

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i < uniforms.size) {
    let c = (uniforms.firstChannel + i) % uniforms.channels;
    output[i] = (input[i] - mean[c]) * scale[c] + bias[c];
  }
}
