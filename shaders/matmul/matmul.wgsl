// matmul: output[b, m, n] = sum over k of left[b, m, k] * right[b, k, n] (+ bias[n]) (+ output[b, m, n]). One
// invocation computes 4 x 4 or 8 x 8 results: see inner-product-shared.wgsl (with the algorithm's source) and
// inner-product-registers.wgsl. f32 arrays with any strides between batches, rows and columns, so that a transposed
// operand and a window of a larger array need no code of their own.

#include "matmul/inner-product.wgsl"

struct LeftRows {
  offsets: vec4<u32>,
}
alias LeftSegment = LeftRows;

struct RightColumns {
  offsets: vec4<u32>,
}
alias RightSegment = RightColumns;

fn leftRows(rows: vec4<u32>, batch: u32) -> LeftRows {
  return LeftRows(uniforms.leftOffset + batch * uniforms.leftBatchStride + rows * uniforms.leftRowStride);
}

fn leftSegment(rows: LeftRows, _segment: vec2<u32>) -> LeftSegment {
  return rows;
}

fn isEmpty(_segment: LeftSegment) -> bool {
  return false;
}

fn loadLeft(segment: LeftSegment, depth: u32) -> vec4<f32> {
  let i = segment.offsets + depth * uniforms.leftDepthStride;
#if ${leftVectors}
  return vec4<f32>(left[i.x / 4u]);
#else
  return vec4<f32>(vec4(left[i.x], left[i.y], left[i.z], left[i.w]));
#endif
}

fn rightColumns(columns: vec4<u32>, batch: u32) -> RightColumns {
  return RightColumns(uniforms.rightOffset + batch * uniforms.rightBatchStride + columns * uniforms.rightColumnStride);
}

fn rightSegment(columns: RightColumns, _segment: vec2<u32>) -> RightSegment {
  return columns;
}

fn loadRight(segment: RightSegment, depth: u32) -> vec4<f32> {
  let i = segment.offsets + depth * uniforms.rightDepthStride;
#if ${rightVectors}
  return vec4<f32>(right[i.x / 4u]);
#else
  return vec4<f32>(vec4(right[i.x], right[i.y], right[i.z], right[i.w]));
#endif
}
