// conv2d, gradient of the input: output[n, iy, ix, c] = sum over ky, kx, o of outputGradient[n, oy, ox, o] * weight[ky,
// kx, c, o] over the output pixels (oy, ox) that meet the input pixel with tap (ky, kx): iy + padding - ky * dilation
// must be a multiple of the stride. Every result gathers what it needs, so there is nothing to add atomically. An
// implicit matrix product: rows are input pixels, columns input channels, the depth is one segment of output channels
// per tap; batches are groups. One invocation computes 4 x 4 or 8 x 8 results; see matmul/inner-product.wgsl.
//
// With a stride, most taps of a pixel meet nothing, but the same ones for all pixels whose coordinates leave the same
// remainder when divided by it. Those are a phase (a "sub-pixel" of W. Shi et al., "Is the deconvolution layer the same as a
// convolutional layer?", 2016): every phase is a batch of its own (`scattered`), whose depth has only its own taps.

#include "conv2d/geometry.wgsl"
#include "matmul/inner-product.wgsl"

// A batch: the group, and the phase's first pixel and first tap.
struct Phase {
  group: u32,
  pixel: vec2<u32>,
  tap: vec2<u32>,
}

struct LeftRows {
  image: vec4<u32>, // where the output's image begins, at the group's first channel
  y: vec4<i32>, // the output pixel of tap (0, 0), times the stride
  x: vec4<i32>,
  firstTap: vec2<u32>,
}

struct LeftSegment {
  offsets: vec4<u32>, // the output pixel's first channel
  inside: vec4<bool>,
}

struct RightColumns {
  columns: vec4<u32>,
  group: u32,
  firstTap: vec2<u32>,
}

struct RightSegment {
  offsets: vec4<u32>,
}

fn phaseOf(batch: u32) -> Phase {
#if ${scattered}
  let row = batch / uniforms.phasesInRow;
  let group = row / uniforms.phasesInColumn;
  let pixel = vec2<u32>(row - group * uniforms.phasesInColumn, batch - row * uniforms.phasesInRow);
  let padding = vec2<u32>(uniforms.paddingHeight, uniforms.paddingWidth);
  return Phase(group, pixel, (pixel + padding) % vec2<u32>(uniforms.phasesInColumn, uniforms.phasesInRow));
#else
  return Phase(batch, vec2<u32>(0u), vec2<u32>(0u));
#endif
}

#if ${scattered}
fn outputPlace(row: u32, batch: u32) -> OutputPlace {
  let phase = phaseOf(batch);
  let line = row / uniforms.phaseWidth;
  let image = line / uniforms.phaseHeight;
  let y = (line - image * uniforms.phaseHeight) * uniforms.phasesInColumn + phase.pixel.x;
  let x = (row - line * uniforms.phaseWidth) * uniforms.phasesInRow + phase.pixel.y;
  // phases are as large as the largest of them
  let inside = row < uniforms.rows && y < uniforms.inputHeight && x < uniforms.inputWidth;
  return OutputPlace(inside, (image * uniforms.inputHeight + y) * uniforms.inputWidth + x, phase.group);
}
#endif

// The kernel tap of a segment.
fn tapAt(segment: vec2<u32>, firstTap: vec2<u32>) -> vec2<u32> {
#if ${scattered}
  return firstTap + segment * vec2<u32>(uniforms.phasesInColumn, uniforms.phasesInRow);
#else
  return segment;
#endif
}

fn leftRows(rows: vec4<u32>, batch: u32) -> LeftRows {
  let phase = phaseOf(batch);
#if ${scattered}
  let pixels = pixelsOf(rows, uniforms.phaseHeight, uniforms.phaseWidth);
  let y = pixels.y * uniforms.phasesInColumn + phase.pixel.x;
  let x = pixels.x * uniforms.phasesInRow + phase.pixel.y;
#else
  let pixels = pixelsOf(rows, uniforms.inputHeight, uniforms.inputWidth);
  let y = pixels.y;
  let x = pixels.x;
#endif
  let imageSize = uniforms.outputHeight * uniforms.outputWidth * uniforms.outputChannels;
  return LeftRows(
    uniforms.outputGradientOffset + pixels.image * imageSize + phase.group * uniforms.groupOutputs,
    vec4<i32>(y + uniforms.paddingHeight),
    vec4<i32>(x + uniforms.paddingWidth),
    phase.tap,
  );
}

fn leftSegment(rows: LeftRows, segment: vec2<u32>) -> LeftSegment {
  let tap = tapAt(segment, rows.firstTap);
  // negative numbers become huge ones, which lie outside whatever they are divided by
  let y = vec4<u32>(rows.y - i32(tap.x * uniforms.dilationHeight));
  let x = vec4<u32>(rows.x - i32(tap.y * uniforms.dilationWidth));
#if ${strided}
  let outputY = y / uniforms.strideHeight;
  let outputX = x / uniforms.strideWidth;
  let isTap = all(tap < vec2<u32>(uniforms.kernelHeight, uniforms.kernelWidth));
  let meets = (y == outputY * uniforms.strideHeight) & (x == outputX * uniforms.strideWidth) & vec4<bool>(isTap);
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

fn rightColumns(columns: vec4<u32>, batch: u32) -> RightColumns {
  let phase = phaseOf(batch);
  return RightColumns(columns, phase.group, phase.tap);
}

fn rightSegment(right: RightColumns, segment: vec2<u32>) -> RightSegment {
#if ${scattered}
  // a phase may have fewer taps than there are segments; left is zero then, and right must be a number of the weight
  let tap = min(tapAt(segment, right.firstTap), vec2<u32>(uniforms.kernelHeight, uniforms.kernelWidth) - 1u);
#else
  let tap = segment;
#endif
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
