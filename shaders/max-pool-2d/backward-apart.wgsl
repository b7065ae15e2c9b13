// Max pool backward for windows that do not overlap: inputGradient[n, h, w, c] = outputGradient[n, oh, ow, c] where
// indices[n, oh, ow, c] = h * inputWidth + w, else 0.
// The image is cut into cells of strideHeight x strideWidth inputs, counted from the beginning of the padding; a window lies
// in the cell of its own number, and cells behind the last window have none. One invocation computes one Value of each
// input of a cell of channels-last images, so that what a window has is read once.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "common/nhwc.wgsl"

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
  let cell = imagePosition(i, uniforms.cellsInColumn, uniforms.cellsInRow, uniforms.channels);
  var gradient = Value();
  var index = Index(0xffffffffu); // which no input has
  if (cell.h < uniforms.outputHeight && cell.w < uniforms.outputWidth) {
    let window = imageIndex(cell, uniforms.outputHeight, uniforms.outputWidth, uniforms.channels);
    gradient = Value(outputGradient[window]);
    index = indices[window];
#if ${relu}
    gradient = select(gradient, Value(), Value(output[window]) <= Value());
#endif
  }
  // coordinates in the padding wrap to large numbers
  let top = cell.h * uniforms.strideHeight - uniforms.paddingHeight;
  let left = cell.w * uniforms.strideWidth - uniforms.paddingWidth;
  for (var y = 0u; y < uniforms.strideHeight; y += 1u) {
    let h = top + y;
    if (h >= uniforms.inputHeight) {
      continue;
    }
    for (var x = 0u; x < uniforms.strideWidth; x += 1u) {
      let w = left + x;
      if (w >= uniforms.inputWidth) {
        continue;
      }
      let place = ImagePosition(cell.n, h, w, cell.c);
      inputGradient[imageIndex(place, uniforms.inputHeight, uniforms.inputWidth, uniforms.channels)] =
        InputGradientElement(select(Value(), gradient, index == Index(h * uniforms.inputWidth + w)));
    }
  }
}
