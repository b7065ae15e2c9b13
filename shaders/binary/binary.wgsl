// binary: output[i] = a[i] operator b[i] on contiguous f32 arrays, the operands broadcast by NumPy's rules.
// One invocation computes one element, or one Value where both operands have the output's shape. Along dimension k (0 is the
// outermost) the operands have the strides strideA_k and strideB_k in elements, 0 where they repeat. With rank 1 nothing
// repeats, and the operands are read straight through.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"

struct Position {
  rest: u32, // the number of the output element in the dimensions that are left
  a: u32,
  b: u32,
}

fn along(position: Position, extent: u32, strideA: u32, strideB: u32) -> Position {
  let coordinate = position.rest % extent;
  return Position(position.rest / extent, position.a + coordinate * strideA, position.b + coordinate * strideB);
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
  var position = Position(i, 0u, 0u);
  // the rank is a constant, so the compiler keeps only the divisions that are needed
  if (${rank}u > 5u) {
    position = along(position, uniforms.length5, uniforms.strideA5, uniforms.strideB5);
  }
  if (${rank}u > 4u) {
    position = along(position, uniforms.length4, uniforms.strideA4, uniforms.strideB4);
  }
  if (${rank}u > 3u) {
    position = along(position, uniforms.length3, uniforms.strideA3, uniforms.strideB3);
  }
  if (${rank}u > 2u) {
    position = along(position, uniforms.length2, uniforms.strideA2, uniforms.strideB2);
  }
  if (${rank}u > 1u) {
    position = along(position, uniforms.length1, uniforms.strideA1, uniforms.strideB1);
  }
  let indexA = position.a + position.rest * uniforms.strideA0;
  let indexB = position.b + position.rest * uniforms.strideB0;
  output[i] = OutputElement(Value(a[indexA]) ${operator} Value(b[indexB]));
}
