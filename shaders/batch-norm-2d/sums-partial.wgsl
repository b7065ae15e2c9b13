// Batch norm backward, sums of chunks of rows: partials[chunk, 0, channel] = sum of dy and partials[chunk, 1, channel] =
// sum of dy * deviations, with deviations = (input - mean) / sqrt(variance + eps). dy is outputGradient, or 0 where a ReLU behind
// the batch norm (`relu`) gave 0; where that was is computed again, which is cheaper than to read the output. All arrays are
// row-major [rows, channels].
// One invocation sums every `lanes`-th row of its chunk for one column; a tree adds the lanes.

#include "common/linear-index.wgsl"
#include "batch-norm-2d/normalization.wgsl"
#include "batch-norm-2d/sum-of-lanes.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.columns);
  let inside = place.column < uniforms.columns && place.chunk < uniforms.chunks;
  var sum = Sums(Value(), Value());
  if (inside) {
    let channelMean = mean[place.column];
    let inverse = inverseDeviation(variance[place.column], uniforms.eps);
#if ${relu}
    let scale = weight[place.column] * inverse;
    let channelBias = bias[place.column];
#endif
    let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
    for (var row = place.chunk * uniforms.rowsPerChunk + place.lane; row < end; row += lanes) {
      let i = row * uniforms.columns + place.column;
      let value = Value(input[i]);
      var gradient = Value(outputGradient[i]);
#if ${relu}
      gradient = masked(gradient, normalized(value, channelMean, scale, channelBias));
#endif
      sum = Sums(sum.gradients + gradient, sum.products + gradient * (value - channelMean));
    }
    sum.products *= inverse;
  }
  sum = sumOfLanes(place, local, sum);
  if (inside && place.lane == 0u) {
    let i = place.chunk * 2u * uniforms.columns + place.column;
    partials[i] = sum.gradients;
    partials[i + uniforms.columns] = sum.products;
  }
}
