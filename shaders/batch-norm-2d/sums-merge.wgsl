// Batch norm backward, sums of all rows: gradientSum[channel] = sum of dy and productSum[channel] = sum of dy * deviations,
// from partials[chunk, 0, channel] and partials[chunk, 1, channel]; gradientMeans holds the first of all channels and then
// the second, divided by allRows. Where the input is larger than one binding, the sums already hold those of the windows
// before this one (earlierRows > 0).
// One invocation adds every `lanes`-th chunk of one channel; a tree adds the lanes in a fixed order.

#include "common/linear-index.wgsl"
#include "batch-norm-2d/sum-of-lanes.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.columns);
  let inside = place.column < uniforms.columns && place.chunk == 0u;
  var sum = Sums(0.0, 0.0);
  if (inside) {
    for (var chunk = place.lane; chunk < uniforms.chunks; chunk += lanes) {
      let i = chunk * 2u * uniforms.columns + place.column;
      sum = addSums(sum, Sums(partials[i], partials[i + uniforms.columns]));
    }
  }
  sum = sumOfLanes(place, local, sum);
  if (inside && place.lane == 0u) {
    if (uniforms.earlierRows > 0u) {
      sum = addSums(sum, Sums(gradientSum[place.column], productSum[place.column]));
    }
    gradientSum[place.column] = sum.gradients;
    productSum[place.column] = sum.products;
    let rows = f32(uniforms.allRows);
    gradientMeans[place.column] = sum.gradients / rows;
    gradientMeans[uniforms.columns + place.column] = sum.products / rows;
  }
}
