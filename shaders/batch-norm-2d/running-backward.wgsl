// Batch norm backward with running statistics, which are constants: inputGradient = dy * scale, with scale = weight /
// sqrt(variance + eps). dy is outputGradient, or 0 where the ReLU behind the batch norm (`relu`) gave 0.
// Of row-major [rows, channels] arrays, one invocation computes every `lanes`-th row of a chunk for one column.

#include "common/linear-index.wgsl"
#include "batch-norm-2d/column-tile.wgsl"
#include "batch-norm-2d/normalization.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.columns);
  if (place.column >= uniforms.columns) {
    return;
  }
  let scale = weight[place.column] * inverseDeviation(variance[place.column], uniforms.eps);
  let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
  for (var row = place.chunk * uniforms.rowsPerChunk + place.lane; row < end; row += lanes) {
    let i = row * uniforms.columns + place.column;
    var gradient = Value(outputGradient[i]);
#if ${relu}
    gradient = masked(gradient, Value(output[i]));
#endif
    inputGradient[i] = InputGradientElement(gradient * scale);
  }
}
