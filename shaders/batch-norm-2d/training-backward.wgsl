// Batch norm backward in training, where mean and variance depend on the input:
//   inputGradient = scale * (dy - mean of dy - normalized * mean of (dy * normalized))
// with dy = outputGradient, normalized = (input - mean) * inverseDeviation and both means taken over all rows of the
// batch (Ioffe and Szegedy, Batch Normalization, 2015, in the simplified form that PyTorch uses).
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
    let rows = f32(uniforms.rows);
    let normalized = (input[i] - mean[c]) * inverseDeviation[c];
    inputGradient[i] = scale[c] * (outputGradient[i] - gradientSum[c] / rows - normalized * (productSum[c] / rows));
  }
}
