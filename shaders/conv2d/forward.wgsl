// conv2d forward: output[n, oy, ox, o] = sum over ky, kx, c of input[n, iy, ix, c] * weight[ky, kx, c, o] (+ bias[o]),
// where (iy, ix) is the input pixel that tap (ky, kx) meets, and pixels outside of the image are zero. An implicit
// matrix product ("im2col" that is never stored; K. Chellapilla et al., 2006; S. Chetlur et al., "cuDNN", 2014): rows
// are output pixels, columns output channels, the depth is one segment of input channels per tap; batches are groups. Where
// the channels are few (kernelRows), it is one segment per row of the kernel, whose taps are neighbours in memory.
// One invocation computes 4 x 4 or 8 x 8 results; see matmul/inner-product.wgsl.

#include "conv2d/geometry.wgsl"
#include "matmul/inner-product.wgsl"

struct LeftRows {
  image: vec4<u32>, // where the image begins, at the group's first channel
  y: vec4<i32>, // the input pixel of tap (0, 0)
  x: vec4<i32>,
}

struct LeftSegment {
  offsets: vec4<u32>, // the input pixel's first channel
  inside: vec4<bool>,
#if ${kernelRows}
  places: vec4<i32>, // the same counted from the beginning of the image's row
#endif
}

struct RightColumns {
  offsets: vec4<u32>,
}
alias RightSegment = RightColumns;

fn leftRows(rows: vec4<u32>, group: u32) -> LeftRows {
  let pixels = pixelsOf(rows, uniforms.outputHeight, uniforms.outputWidth);
  let imageSize = uniforms.inputHeight * uniforms.inputWidth * uniforms.inputChannels;
  return LeftRows(
    uniforms.inputOffset + pixels.image * imageSize + group * uniforms.groupInputs,
    vec4<i32>(pixels.y * uniforms.strideHeight) - i32(uniforms.paddingHeight),
    vec4<i32>(pixels.x * uniforms.strideWidth) - i32(uniforms.paddingWidth),
  );
}

fn leftSegment(rows: LeftRows, tap: vec2<u32>) -> LeftSegment {
  let y = rows.y + i32(tap.x * uniforms.dilationHeight);
#if ${kernelRows}
  let inside = areInside(y, uniforms.inputHeight);
  let places = rows.x * i32(uniforms.inputChannels);
  let rowLength = i32(uniforms.inputWidth * uniforms.inputChannels);
  return LeftSegment(rows.image + vec4<u32>(y * rowLength + places), inside, places);
#else
  let x = rows.x + i32(tap.y * uniforms.dilationWidth);
  let inside = areInside(y, uniforms.inputHeight) & areInside(x, uniforms.inputWidth);
  let offsets = rows.image + vec4<u32>(y * i32(uniforms.inputWidth) + x) * uniforms.inputChannels;
  return LeftSegment(select(vec4<u32>(0u), offsets, inside), inside);
#endif
}

fn isEmpty(segment: LeftSegment) -> bool {
  return !any(segment.inside);
}

fn loadLeft(segment: LeftSegment, channel: u32) -> vec4<f32> {
#if ${kernelRows}
  let inside = segment.inside & areInside(segment.places + i32(channel), uniforms.inputWidth * uniforms.inputChannels);
  let i = select(vec4<u32>(0u), segment.offsets + channel, inside);
  return select(vec4<f32>(), vec4<f32>(vec4(input[i.x], input[i.y], input[i.z], input[i.w])), inside);
#elif ${leftVectors}
  let i = segment.offsets + channel;
  return select(vec4<f32>(), vec4<f32>(input[i.x / 4u]), segment.inside.x);
#else
  let i = segment.offsets + channel;
  return select(vec4<f32>(), vec4<f32>(vec4(input[i.x], input[i.y], input[i.z], input[i.w])), segment.inside);
#endif
}

fn rightColumns(columns: vec4<u32>, group: u32) -> RightColumns {
  return RightColumns(group * uniforms.groupOutputs + columns);
}

fn rightSegment(columns: RightColumns, tap: vec2<u32>) -> RightSegment {
  let number = tap.x * uniforms.kernelWidth + tap.y;
  return RightSegment(columns.offsets + number * uniforms.groupInputs * uniforms.outputChannels);
}

fn loadRight(segment: RightSegment, channel: u32) -> vec4<f32> {
  let i = segment.offsets + channel * uniforms.outputChannels;
#if ${rightVectors}
  return vec4<f32>(weight[i.x / 4u]);
#else
  return vec4<f32>(vec4(weight[i.x], weight[i.y], weight[i.z], weight[i.w]));
#endif
}
