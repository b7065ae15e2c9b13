// Batch norm, moments of chunks of the rows of input, a row-major [rows, channels] array (channels-last images, rows = N * H *
// W): partials[chunk, 0, channel] = mean - origin[channel] and partials[chunk, 1, channel] = sum of squared deviations. The
// origin is the first row of the whole array: means that lie close together are merged by their differences, so that
// nothing is lost where they are large against the deviation.
// One invocation sums every `lanes`-th row of its chunk for one column, rowsPerShift at a time; a tree merges the lanes.
// Sums are taken of value - shift with the first of these rows as the shift. Because the shift is itself one of the n
// values, squares - sum * sum / n is at least squares / n: it cannot come out negative, and what cancels is bounded by
// the few rows of a shift, whatever the mean is (Chan, Golub and LeVeque, Algorithms for Computing the Sample Variance,
// 1983).

#include "common/linear-index.wgsl"
#include "batch-norm-2d/moments-of-lanes.wgsl"

const rowsPerShift = 8u;

// The moments of every `lanes`-th row from `first` to before `end`, relative to the origin.
fn momentsFrom(first: u32, end: u32, column: u32) -> Moments {
  let shift = Value(input[first * uniforms.columns + column]);
  var count = 0.0;
  var sum = Value();
  var squares = Value();
  for (var row = first; row < end; row += lanes) {
    let difference = Value(input[row * uniforms.columns + column]) - shift;
    sum += difference;
    squares += difference * difference;
    count += 1.0;
  }
  let mean = sum / count;
  return Moments(shift - Value(origin[column]) + mean, squares - sum * mean, count);
}

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.columns);
  let inside = place.column < uniforms.columns && place.chunk < uniforms.chunks;
  var moments = Moments(Value(), Value(), 0.0);
  if (inside) {
    let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
    for (var row = place.chunk * uniforms.rowsPerChunk + place.lane; row < end; row += lanes * rowsPerShift) {
      moments = mergeMoments(moments, momentsFrom(row, min(row + lanes * rowsPerShift, end), place.column));
    }
  }
  moments = momentsOfLanes(place, local, moments);
  if (inside && place.lane == 0u) {
    let i = place.chunk * 2u * uniforms.columns + place.column;
    partials[i] = moments.mean;
    partials[i + uniforms.columns] = moments.squares;
  }
}
