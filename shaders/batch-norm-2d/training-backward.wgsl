// Batch norm backward in training, where mean and variance depend on the input:
//   inputGradient = scale * (dy - mean of dy - deviations * mean of (dy * deviations))
// with deviations = (input - mean) / sqrt(variance + eps) and both means taken over all rows of the batch (Ioffe and
// Szegedy, Batch Normalization, 2015, in the simplified form that PyTorch uses). dy is outputGradient, or 0 where a ReLU
// behind the batch norm (`relu`) gave 0; where that was is computed again, which is cheaper than to read the output.
// gradientMeans holds the means of dy of all channels, then those of dy * deviations.
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
  let inverse = inverseDeviation(variance[place.column], uniforms.eps);
  let scale = weight[place.column] * inverse;
#if ${relu}
  let channelBias = bias[place.column];
#endif
  let gradientMean = gradientMeans[place.column];
  let productMean = gradientMeans[uniforms.columns + place.column];
  let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
  for (var row = place.chunk * uniforms.rowsPerChunk + place.lane; row < end; row += lanes) {
    let i = row * uniforms.columns + place.column;
    let value = Value(input[i]);
    var gradient = Value(outputGradient[i]);
#if ${relu}
    gradient = masked(gradient, normalized(value, channelMean, scale, channelBias));
#endif
    let result = scale * (gradient - gradientMean - (value - channelMean) * inverse * productMean);
    inputGradient[i] = InputGradientElement(result);
  }
}
