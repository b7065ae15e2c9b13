// Batch norm forward, with what follows it: output = normalized input (+ residual), then max(that, 0) where `relu` is set.
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
  let channelMean = mean[place.column];
  let scale = weight[place.column] * inverseDeviation(variance[place.column], uniforms.eps);
  let channelBias = bias[place.column];
  let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
  for (var row = place.chunk * uniforms.rowsPerChunk + place.lane; row < end; row += lanes) {
    let i = row * uniforms.columns + place.column;
    var result = normalized(Value(input[i]), channelMean, scale, channelBias);
#if ${residual}
    result += Value(residual[i]);
#endif
#if ${relu}
    // a comparison, not max(): max(NaN, 0) may be 0, which would hide a diverged network
    result = select(result, Value(), result <= Value());
#endif
    output[i] = OutputElement(result);
  }
}
