// Batch norm with running statistics: inverseDeviation = 1 / sqrt(runningVar + eps) and scale = weight *
// inverseDeviation. One invocation computes one channel.

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let c = linearIndex(group, groups, local, ${workgroupSize}u);
  if (c < uniforms.channels) {
    let deviation = 1.0 / sqrt(runningVar[c] + uniforms.eps);
    inverseDeviation[c] = deviation;
    scale[c] = weight[c] * deviation;
  }
}
