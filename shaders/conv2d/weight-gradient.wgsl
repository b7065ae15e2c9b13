// conv2d, gradient of the weight: output[ky, kx, c, o] = sum over n, oy, ox of input[n, iy, ix, c] * outputGradient[n,
// oy, ox, o], where (iy, ix) is the input pixel that tap (ky, kx) meets, and pixels outside of the image are zero. An
// implicit matrix product: rows are pairs of a tap and an input channel, columns output channels, the depth is one
// segment of images per output pixel (so that one test of the borders serves the whole segment); batches are groups.
// One invocation computes 4 x 4 or 8 x 8 results; see matmul/inner-product.wgsl.

#include "conv2d/geometry.wgsl"
#include "matmul/inner-product.wgsl"

struct LeftRows {
  channel: vec4<u32>,
  y: vec4<i32>, // the input pixel that the tap meets at output pixel (0, 0)
  x: vec4<i32>,
}

struct LeftSegment {
  offsets: vec4<u32>, // the input pixel's channel in the first image
  inside: vec4<bool>,
}

struct RightColumns {
  offsets: vec4<u32>,
}
alias RightSegment = RightColumns;

fn leftRows(rows: vec4<u32>, group: u32) -> LeftRows {
  let taps = rows / uniforms.groupInputs;
  let kernelY = taps / uniforms.kernelWidth;
  let kernelX = taps - kernelY * uniforms.kernelWidth;
  return LeftRows(
    uniforms.inputOffset + group * uniforms.groupInputs + rows - taps * uniforms.groupInputs,
    vec4<i32>(kernelY * uniforms.dilationHeight) - i32(uniforms.paddingHeight),
    vec4<i32>(kernelX * uniforms.dilationWidth) - i32(uniforms.paddingWidth),
  );
}

fn leftSegment(rows: LeftRows, pixel: vec2<u32>) -> LeftSegment {
  let y = rows.y + i32(pixel.x * uniforms.strideHeight);
  let x = rows.x + i32(pixel.y * uniforms.strideWidth);
  let inside = areInside(y, uniforms.inputHeight) & areInside(x, uniforms.inputWidth);
  let offsets = rows.channel + vec4<u32>(y * i32(uniforms.inputWidth) + x) * uniforms.inputChannels;
  return LeftSegment(select(vec4<u32>(0u), offsets, inside), inside);
}

fn isEmpty(segment: LeftSegment) -> bool {
  return !any(segment.inside);
}

fn loadLeft(segment: LeftSegment, image: u32) -> vec4<f32> {
  let i = segment.offsets + image * (uniforms.inputHeight * uniforms.inputWidth * uniforms.inputChannels);
#if ${leftVectors}
  return select(vec4<f32>(), vec4<f32>(input[i.x / 4u]), segment.inside.x);
#else
  return select(vec4<f32>(), vec4<f32>(vec4(input[i.x], input[i.y], input[i.z], input[i.w])), segment.inside);
#endif
}

fn rightColumns(columns: vec4<u32>, group: u32) -> RightColumns {
  return RightColumns(uniforms.outputGradientOffset + group * uniforms.groupOutputs + columns);
}

fn rightSegment(columns: RightColumns, pixel: vec2<u32>) -> RightSegment {
  let number = pixel.x * uniforms.outputWidth + pixel.y;
  return RightSegment(columns.offsets + number * uniforms.outputChannels);
}

fn loadRight(segment: RightSegment, image: u32) -> vec4<f32> {
  let i = segment.offsets + image * (uniforms.outputHeight * uniforms.outputWidth * uniforms.outputChannels);
#if ${rightVectors}
  return vec4<f32>(outputGradient[i.x / 4u]);
#else
  return vec4<f32>(vec4(outputGradient[i.x], outputGradient[i.y], outputGradient[i.z], outputGradient[i.w]));
#endif
}
