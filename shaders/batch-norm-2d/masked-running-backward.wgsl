// Batch norm backward with running statistics, which are constants, behind a residual and a ReLU: maskedGradient =
// outputGradient, or 0 where output is 0, which is the residual's gradient; inputGradient = maskedGradient * scale, with scale =
// weight / sqrt(variance + eps).
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
    let gradient = masked(Value(outputGradient[i]), Value(output[i]));
    maskedGradient[i] = MaskedGradientElement(gradient);
    inputGradient[i] = InputGradientElement(gradient * scale);
  }
}
