// Adaptive average pool forward: output[n, oh, ow, c] = the mean of input[n, h, w, c] over a window that the sizes of
// input and output determine; see window.wgsl.
// One invocation computes one Value of the output of channels-last images; neighbouring ones read neighbouring channels, so
// a pool of the whole image reads memory in order as well.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "common/nhwc.wgsl"
#include "adaptive-avg-pool-2d/window.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i >= uniforms.size) {
    return;
  }
  let place = imagePosition(i, uniforms.outputHeight, uniforms.outputWidth, uniforms.channels);
  let rows = windowAlong(place.h, uniforms.inputHeight, uniforms.outputHeight);
  let columns = windowAlong(place.w, uniforms.inputWidth, uniforms.outputWidth);
  var sum = Value();
  for (var h = rows.x; h < rows.y; h += 1u) {
    for (var w = columns.x; w < columns.y; w += 1u) {
      let source = ImagePosition(place.n, h, w, place.c);
      sum += Value(input[imageIndex(source, uniforms.inputHeight, uniforms.inputWidth, uniforms.channels)]);
    }
  }
  output[i] = OutputElement(sum / f32((rows.y - rows.x) * (columns.y - columns.x)));
}
