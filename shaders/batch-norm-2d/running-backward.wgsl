// Batch norm backward with running statistics, which are constants: inputGradient = outputGradient * scale[channel].
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
    inputGradient[i] = outputGradient[i] * scale[(uniforms.firstChannel + i) % uniforms.channels];
  }
}
