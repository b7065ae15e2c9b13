// Batch norm in training: from moments[channel] = (mean - origin, sum of squared deviations) of the batch to what the
// normalising pass needs, and the running statistics one step on:
//   mean, inverseDeviation = 1 / sqrt(variance + eps), scale = weight * inverseDeviation   (variance over rows)
//   running = (1 - momentum) * running + momentum * batch                                  (variance over rows - 1)
// One invocation computes one channel. Formulas of PyTorch's BatchNorm2d.

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let c = linearIndex(group, groups, local, ${workgroupSize}u);
  if (c >= uniforms.channels) {
    return;
  }
  let batchMean = origin[c] + moments[c].x;
  let squares = moments[c].y;
  let rows = f32(uniforms.rows);
  let deviation = 1.0 / sqrt(squares / rows + uniforms.eps);
  mean[c] = batchMean;
  inverseDeviation[c] = deviation;
  scale[c] = weight[c] * deviation;
  runningMean[c] = (1.0 - uniforms.momentum) * runningMean[c] + uniforms.momentum * batchMean;
  runningVar[c] = (1.0 - uniforms.momentum) * runningVar[c] + uniforms.momentum * (squares / (rows - 1.0));
}
