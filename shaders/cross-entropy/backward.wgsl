// cross-entropy backward: inputGradient = scale * (softmax(input) - target distribution), 0 in ignored rows.
// One invocation computes one element of f32 [rows, classes]. statistics[row] is (maximum, log of the sum of exponentials)
// as forward.wgsl left it; scale has one element, or one per row.

#include "common/linear-index.wgsl"
#include "common/nan.wgsl"

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
  let row = i / uniforms.classes;
  let label = targets[row];
  if (label == uniforms.ignoreIndex) {
    inputGradient[i] = 0.0;
    return;
  }
  let statistic = statistics[row];
  let probability = expOrNan(input[i] - statistic.x - statistic.y);
  let isTarget = i32(i % uniforms.classes) == label;
  let wanted = select(0.0, 1.0 - uniforms.labelSmoothing, isTarget) + uniforms.labelSmoothing / f32(uniforms.classes);
#if ${scalePerRow}
  inputGradient[i] = scale[row] * (probability - wanted);
#else
  inputGradient[i] = scale[0] * (probability - wanted);
#endif
}
