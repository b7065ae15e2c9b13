// Batch norm, moments of chunks: partials[chunk, channel] = (mean - origin[channel], sum of squared deviations) of one
// channel over one chunk of the rows of input, a row-major [rows, channels] array (channels-last images, rows = N * H * W).
// The origin is the first row of the whole array: means that lie close together are merged by their differences, so that
// nothing is lost where they are large against the deviation.
// One invocation sums every `lanes`-th row of its chunk for one channel; a tree merges the lanes.
// Sums are taken of value - shift with the lane's first value as the shift. Because the shift is itself one of the n
// values, squares - sum * sum / n is at least squares / n: it cannot come out negative, and what cancels is bounded by
// the few rows of a lane, whatever the mean is (Chan, Golub and LeVeque, Algorithms for Computing the Sample Variance,
// 1983).

#include "common/linear-index.wgsl"
#include "batch-norm-2d/column-tile.wgsl"
#include "batch-norm-2d/moments.wgsl"

var<workgroup> moments: array<vec3<f32>, ${workgroupSize}>;

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let place = tilePlace(linearGroup(group, groups), local, uniforms.channels);
  let inside = place.channel < uniforms.channels && place.chunk < uniforms.chunks;
  var count = 0.0;
  var shift = 0.0;
  var sum = 0.0;
  var squares = 0.0;
  if (inside) {
    let first = place.chunk * uniforms.rowsPerChunk + place.lane;
    let end = min((place.chunk + 1u) * uniforms.rowsPerChunk, uniforms.rows);
    if (first < end) {
      shift = input[first * uniforms.channels + place.channel];
    }
    for (var row = first; row < end; row += lanes) {
      let difference = input[row * uniforms.channels + place.channel] - shift;
      sum += difference;
      squares += difference * difference;
      count += 1.0;
    }
  }
  var moment = vec3<f32>(0.0);
  if (count > 0.0) {
    let mean = sum / count;
    moment = vec3<f32>(shift - origin[place.channel] + mean, squares - sum * mean, count);
  }
  moments[local] = moment;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (place.lane < half) {
      moments[local] = mergeMoments(moments[local], moments[local + half * tileChannels]);
    }
    workgroupBarrier();
  }
  if (inside && place.lane == 0u) {
    partials[place.chunk * uniforms.channels + place.channel] = moments[local].xy;
  }
}
