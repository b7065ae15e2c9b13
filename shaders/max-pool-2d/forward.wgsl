// Max pool forward: output[n, oh, ow, c] = the largest input[n, h, w, c] of the window that begins at
// h = oh * stride - padding and takes every dilation-th of kernel rows (columns likewise); padding takes no part.
// indices[n, oh, ow, c] = h * inputWidth + w of the first such input in row-major order, which is the one that gets the
// gradient, as in PyTorch; a NaN counts as larger than everything, the last one wins. A window without any input (only
// dilation can make one) gives the lowest f32 and an index that no input has.
// With relu, the output is max(that, 0); the indices stay what they are.
// One invocation computes one Value of the output of channels-last images; neighbouring ones read neighbouring channels.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "common/nhwc.wgsl"

fn areNan(value: Value) -> Flag {
  return (bitcast<Index>(value) & Index(0x7fffffffu)) > Index(0x7f800000u); // a compiler may take value != value for false
}

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
  let top = i32(place.h * uniforms.strideHeight) - i32(uniforms.paddingHeight);
  let left = i32(place.w * uniforms.strideWidth) - i32(uniforms.paddingWidth);
  let none = Index(0xffffffffu);
  var best = Value(-3.4028234663852886e38);
  var bestIndex = none;
  var bestIsNan = Flag();
  for (var kh = 0u; kh < uniforms.kernelHeight; kh += 1u) {
    let h = top + i32(kh * uniforms.dilationHeight);
    if (h < 0 || h >= i32(uniforms.inputHeight)) {
      continue;
    }
    for (var kw = 0u; kw < uniforms.kernelWidth; kw += 1u) {
      let w = left + i32(kw * uniforms.dilationWidth);
      if (w < 0 || w >= i32(uniforms.inputWidth)) {
        continue;
      }
      let source = ImagePosition(place.n, u32(h), u32(w), place.c);
      let value = Value(input[imageIndex(source, uniforms.inputHeight, uniforms.inputWidth, uniforms.channels)]);
      let nan = areNan(value);
      let better = nan | (bestIndex == none) | (!bestIsNan & (value > best));
      best = select(best, value, better);
      bestIndex = select(bestIndex, Index(source.h * uniforms.inputWidth + source.w), better);
      bestIsNan = select(bestIsNan, nan, better);
    }
  }
#if ${relu}
  // a comparison, not max(), so that NaN stays NaN
  best = select(best, Value(), best <= Value());
#endif
  output[i] = OutputElement(best);
  indices[i] = bestIndex;
}
