// Average pool backward: inputGradient[n, h, w, c] = the sum of outputGradient[n, oh, ow, c] / (places that the window
// counts) over the windows that cover this input.
// One invocation computes one Value of the input of channels-last images by gathering from those windows.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "common/nhwc.wgsl"
#include "common/pool-windows.wgsl"
#include "avg-pool-2d/window.wgsl"

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
  let place = imagePosition(i, uniforms.inputHeight, uniforms.inputWidth, uniforms.channels);
  let rows = windowsOver(
    place.h + uniforms.paddingHeight, uniforms.kernelHeight - 1u, uniforms.strideHeight, uniforms.outputHeight);
  let columns = windowsOver(
    place.w + uniforms.paddingWidth, uniforms.kernelWidth - 1u, uniforms.strideWidth, uniforms.outputWidth);
  var sum = Value();
  for (var oh = rows.x; oh < rows.y; oh += 1u) {
    let countedRows = windowAlong(
      oh, uniforms.kernelHeight, uniforms.strideHeight, uniforms.paddingHeight, uniforms.inputHeight).z;
    for (var ow = columns.x; ow < columns.y; ow += 1u) {
      let countedColumns = windowAlong(
        ow, uniforms.kernelWidth, uniforms.strideWidth, uniforms.paddingWidth, uniforms.inputWidth).z;
      let window = ImagePosition(place.n, oh, ow, place.c);
      let j = imageIndex(window, uniforms.outputHeight, uniforms.outputWidth, uniforms.channels);
      sum += Value(outputGradient[j]) / f32(countedRows * countedColumns);
    }
  }
  inputGradient[i] = InputGradientElement(sum);
}
