// Batch norm backward behind a ReLU, where more than the batch norm's own input decides about the output's sign: writes dy =
// outputGradient, or 0 where the output is 0, as maskedGradient, and its sums as sums-partial does. With a residual, dy is
// the residual's gradient.
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
    let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
    for (var row = place.chunk * uniforms.rowsPerChunk + place.lane; row < end; row += lanes) {
      let i = row * uniforms.columns + place.column;
      let gradient = masked(Value(outputGradient[i]), Value(output[i]));
      maskedGradient[i] = MaskedGradientElement(gradient);
      sum = Sums(sum.gradients + gradient, sum.products + gradient * (Value(input[i]) - channelMean));
    }
    sum.products *= inverseDeviation(variance[place.column], uniforms.eps);
  }
  sum = sumOfLanes(place, local, sum);
  if (inside && place.lane == 0u) {
    let i = place.chunk * 2u * uniforms.columns + place.column;
    partials[i] = sum.gradients;
    partials[i + uniforms.columns] = sum.products;
  }
}
