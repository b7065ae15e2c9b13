// pad: the input in a frame of one value; negative padding cuts the input instead, so the same kernel slices.
// One invocation computes one element of the contiguous output. Along dimension k its coordinate minus before_k is the
// input's coordinate, or lies outside of the input and takes the value. Elements are 32 bits of any type.
// Operands may be windows: input[0] is element inputStart of its tensor, and what lies outside of the window is left to
// another dispatch (see src/kernels/element-windows.ts).

#include "common/linear-index.wgsl"

struct Position {
  rest: u32, // the number of the output element in the dimensions that are left
  place: u32, // the number of the input element
  inside: bool,
}

fn along(position: Position, outputLength: u32, inputLength: u32, inputStride: u32, before: i32) -> Position {
  let coordinate = position.rest % outputLength - bitcast<u32>(before); // wraps to a large number below 0
  return Position(
    position.rest / outputLength,
    position.place + coordinate * inputStride,
    position.inside && coordinate < inputLength,
  );
}

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i >= uniforms.outputCount) {
    return;
  }
  var position = Position(uniforms.outputStart + i, 0u, true);
  // the rank is a constant, so the compiler keeps only the divisions that are needed
  if (${rank}u > 5u) {
    position = along(position, uniforms.length5, uniforms.inputLength5, uniforms.stride5, uniforms.before5);
  }
  if (${rank}u > 4u) {
    position = along(position, uniforms.length4, uniforms.inputLength4, uniforms.stride4, uniforms.before4);
  }
  if (${rank}u > 3u) {
    position = along(position, uniforms.length3, uniforms.inputLength3, uniforms.stride3, uniforms.before3);
  }
  if (${rank}u > 2u) {
    position = along(position, uniforms.length2, uniforms.inputLength2, uniforms.stride2, uniforms.before2);
  }
  if (${rank}u > 1u) {
    position = along(position, uniforms.length1, uniforms.inputLength1, uniforms.stride1, uniforms.before1);
  }
  position = along(position, uniforms.length0, uniforms.inputLength0, uniforms.stride0, uniforms.before0);
  let inWindow = position.place - uniforms.inputStart; // wraps to a large number below the window
  if (!position.inside) {
    output[i] = uniforms.value;
  } else if (inWindow < uniforms.inputCount) {
    output[i] = input[inWindow];
  }
}
