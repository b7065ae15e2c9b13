// Batch norm in training, moments of all rows: merges partials[chunk, 0, channel] = mean - origin and partials[chunk, 1,
// channel] = sum of squared deviations into what the normalising pass needs, and moves the running statistics one step on:
//   mean, variance                                            of the batch, the variance over rows
//   running = (1 - momentum) * running + momentum * batch     the variance over rows - 1
// All chunks hold rowsPerChunk rows except the last one. Where the input is larger than one binding, mean and variance are
// the moments of the earlierRows rows so far, in the form of the partials, until the last window.
// One invocation merges every `lanes`-th chunk of one channel; a tree merges the lanes in a fixed order. Formulas of PyTorch's
// BatchNorm2d.

#include "common/linear-index.wgsl"
#include "batch-norm-2d/moments-of-lanes.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.columns);
  let inside = place.column < uniforms.columns && place.chunk == 0u;
  var total = Moments(0.0, 0.0, 0.0);
  if (inside && place.lane < uniforms.chunks) {
    // sums relative to the lane's first mean: one rounding of the mean instead of one for each chunk
    let shift = partials[place.lane * 2u * uniforms.columns + place.column];
    var count = 0.0;
    var sum = 0.0;
    var squares = 0.0;
    for (var chunk = place.lane; chunk < uniforms.chunks; chunk += lanes) {
      let rows = f32(min(uniforms.rowsPerChunk, uniforms.rows - chunk * uniforms.rowsPerChunk));
      let i = chunk * 2u * uniforms.columns + place.column;
      let difference = partials[i] - shift;
      sum += rows * difference;
      squares += partials[i + uniforms.columns] + rows * difference * difference;
      count += rows;
    }
    let shifted = sum / count;
    total = Moments(shift + shifted, squares - sum * shifted, count);
  }
  total = momentsOfLanes(place, local, total);
  if (!inside || place.lane > 0u) {
    return;
  }
  if (uniforms.earlierRows > 0u) {
    let earlier = Moments(mean[place.column], variance[place.column], f32(uniforms.earlierRows));
    total = mergeMoments(earlier, total);
  }
  let rows = uniforms.earlierRows + uniforms.rows;
  if (rows < uniforms.allRows) {
    mean[place.column] = total.mean;
    variance[place.column] = total.squares;
    return;
  }
  let batchMean = f32(origin[place.column]) + total.mean;
  mean[place.column] = batchMean;
  variance[place.column] = total.squares / f32(rows);
  let kept = 1.0 - uniforms.momentum;
  runningMean[place.column] = kept * runningMean[place.column] + uniforms.momentum * batchMean;
  let unbiased = total.squares / f32(rows - 1u);
  runningVar[place.column] = kept * runningVar[place.column] + uniforms.momentum * unbiased;
}
