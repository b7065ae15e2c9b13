// Batch norm, moments of chunks: partials[chunk, channel] = (mean - origin[channel], sum of squared deviations) of one
// channel over one chunk of the rows of input, a row-major [rows, channels] array (channels-last images, rows = N * H * W).
// The origin is the first row of the whole array: means that lie close together are merged by their differences, so that
// nothing is lost where they are large against the deviation.
// One invocation sums every `lanes`-th row of its chunk for one channel, rowsPerShift at a time; a tree merges the lanes.
// Sums are taken of value - shift with the first of these rows as the shift. Because the shift is itself one of the n
// values, squares - sum * sum / n is at least squares / n: it cannot come out negative, and what cancels is bounded by
// the few rows of a shift, whatever the mean is (Chan, Golub and LeVeque, Algorithms for Computing the Sample Variance,
// 1983).

#include "common/linear-index.wgsl"
#include "batch-norm-2d/column-tile.wgsl"
#include "batch-norm-2d/moments.wgsl"

const rowsPerShift = 8u;

#if ${tree}
var<workgroup> moments: array<vec3<f32>, ${workgroupSize}>;
#endif

// The moments of every `lanes`-th row from `first` to before `end`, relative to the origin.
fn momentsFrom(first: u32, end: u32, channel: u32) -> vec3<f32> {
  let shift = input[first * uniforms.channels + channel];
  var count = 0.0;
  var sum = 0.0;
  var squares = 0.0;
  for (var row = first; row < end; row += lanes) {
    let difference = input[row * uniforms.channels + channel] - shift;
    sum += difference;
    squares += difference * difference;
    count += 1.0;
  }
  let mean = sum / count;
  return vec3<f32>(shift - origin[channel] + mean, squares - sum * mean, count);
}

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.channels);
  let inside = place.channel < uniforms.channels && place.chunk < uniforms.chunks;
  var moment = vec3<f32>(0.0);
  if (inside) {
    let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
    for (var row = place.chunk * uniforms.rowsPerChunk + place.lane; row < end; row += lanes * rowsPerShift) {
      moment = mergeMoments(moment, momentsFrom(row, min(row + lanes * rowsPerShift, end), place.channel));
    }
  }
#if ${tree}
  moments[local] = moment;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (place.lane < half) {
      moments[local] = mergeMoments(moments[local], moments[local + half * tileChannels]);
    }
    workgroupBarrier();
  }
  moment = moments[local];
#endif
  if (inside && place.lane == 0u) {
    partials[place.chunk * uniforms.channels + place.channel] = moment.xy;
  }
}
