// Max pool backward: inputGradient[n, h, w, c] = the sum of outputGradient[n, oh, ow, c] over the windows whose largest
// input is this one, which is where indices[n, oh, ow, c] = h * inputWidth + w. With relu, windows whose output is 0 give
// nothing.
// One invocation computes one Value of the input of channels-last images by gathering from the windows that can cover it,
// so nothing is added by two invocations and the order of the sum is fixed.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "common/nhwc.wgsl"
#include "common/pool-windows.wgsl"

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
  let index = place.h * uniforms.inputWidth + place.w;
  let reachHeight = (uniforms.kernelHeight - 1u) * uniforms.dilationHeight;
  let reachWidth = (uniforms.kernelWidth - 1u) * uniforms.dilationWidth;
  let rows = windowsOver(
    place.h + uniforms.paddingHeight, reachHeight, uniforms.strideHeight, uniforms.outputHeight);
  let columns = windowsOver(
    place.w + uniforms.paddingWidth, reachWidth, uniforms.strideWidth, uniforms.outputWidth);
  var sum = Value();
  for (var oh = rows.x; oh < rows.y; oh += 1u) {
    for (var ow = columns.x; ow < columns.y; ow += 1u) {
      let window = ImagePosition(place.n, oh, ow, place.c);
      let j = imageIndex(window, uniforms.outputHeight, uniforms.outputWidth, uniforms.channels);
      let here = indices[j] == Index(index);
#if ${relu}
      sum += select(Value(), Value(outputGradient[j]), here & !(Value(output[j]) <= Value()));
#else
      sum += select(Value(), Value(outputGradient[j]), here);
#endif
    }
  }
  inputGradient[i] = InputGradientElement(sum);
}
