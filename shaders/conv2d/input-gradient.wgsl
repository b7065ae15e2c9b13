// conv2d, gradient of the input: output[n, iy, ix, c] = sum over ky, kx, o of outputGradient[n, oy, ox, o] * weight[ky,
// kx, c, o] over the output pixels (oy, ox) that meet the input pixel with tap (ky, kx): iy + padding - ky * dilation
// must be a multiple of the stride. Every result gathers what it needs, so there is nothing to add atomically. An
// implicit matrix product: rows are input pixels, columns input channels, the depth is one segment of output channels
// per tap; batches are groups. One invocation computes 4 x 4 or 8 x 8 results; see matmul/inner-product.wgsl.

#include "conv2d/geometry.wgsl"
#include "matmul/inner-product.wgsl"

struct LeftRows {
  image: vec4<u32>, // where the output's image begins, at the group's first channel
  y: vec4<i32>, // the output pixel of tap (0, 0), times the stride
  x: vec4<i32>,
}

struct LeftSegment {
  offsets: vec4<u32>, // the output pixel's first channel
  inside: vec4<bool>,
}

struct RightColumns {
  columns: vec4<u32>,
  group: u32,
}

struct RightSegment {
  offsets: vec4<u32>,
}

fn leftRows(rows: vec4<u32>, group: u32) -> LeftRows {
  let pixels = pixelsOf(rows, uniforms.inputHeight, uniforms.inputWidth);
  let imageSize = uniforms.outputHeight * uniforms.outputWidth * uniforms.outputChannels;
  return LeftRows(
    uniforms.outputGradientOffset + pixels.image * imageSize + group * uniforms.groupOutputs,
    vec4<i32>(pixels.y + uniforms.paddingHeight),
    vec4<i32>(pixels.x + uniforms.paddingWidth),
  );
}

fn leftSegment(rows: LeftRows, tap: vec2<u32>) -> LeftSegment {
  // negative numbers become huge ones, which lie outside whatever they are divided by
  let y = vec4<u32>(rows.y - i32(tap.x * uniforms.dilationHeight));
  let x = vec4<u32>(rows.x - i32(tap.y * uniforms.dilationWidth));
#if ${strided}
  let outputY = y / uniforms.strideHeight;
  let outputX = x / uniforms.strideWidth;
  let meets = (y == outputY * uniforms.strideHeight) & (x == outputX * uniforms.strideWidth);
#else
  let outputY = y;
  let outputX = x;
  let meets = vec4<bool>(true);
#endif
  let inside = meets & (outputY < vec4<u32>(uniforms.outputHeight)) & (outputX < vec4<u32>(uniforms.outputWidth));
  let offsets = rows.image + (outputY * uniforms.outputWidth + outputX) * uniforms.outputChannels;
  return LeftSegment(select(vec4<u32>(0u), offsets, inside), inside);
}

fn isEmpty(segment: LeftSegment) -> bool {
  return !any(segment.inside);
}

fn loadLeft(segment: LeftSegment, channel: u32) -> vec4<f32> {
  let i = segment.offsets + channel;
#if ${leftVectors}
  return select(vec4<f32>(), vec4<f32>(outputGradient[i.x / 4u]), segment.inside.x);
#else
  let values = vec4<f32>(vec4(outputGradient[i.x], outputGradient[i.y], outputGradient[i.z], outputGradient[i.w]));
  return select(vec4<f32>(), values, segment.inside);
#endif
}

fn rightColumns(columns: vec4<u32>, group: u32) -> RightColumns {
  return RightColumns(columns, group);
}

fn rightSegment(right: RightColumns, tap: vec2<u32>) -> RightSegment {
  let rows = (tap.x * uniforms.kernelWidth + tap.y) * uniforms.groupInputs + right.columns;
  return RightSegment(rows * uniforms.outputChannels + right.group * uniforms.groupOutputs);
}

fn loadRight(segment: RightSegment, channel: u32) -> vec4<f32> {
  let i = segment.offsets + channel;
#if ${rightVectors}
  return vec4<f32>(weight[i.x / 4u]);
#else
  return vec4<f32>(vec4(weight[i.x], weight[i.y], weight[i.z], weight[i.w]));
#endif
}
