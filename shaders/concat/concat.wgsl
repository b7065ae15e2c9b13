// concat: copies one part of a concatenation to its place. Seen as matrices, whose rows are the dimensions before the
// concatenated one, output[row][firstColumn + column] = input[row][column]. One invocation moves one element of the
// contiguous input. Elements are 32 bits of any type.
// Operands may be windows: output[0] is element outputStart of its tensor, and what lies outside of the window is left to
// another dispatch (see src/kernels/element-windows.ts).

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i >= uniforms.inputCount) {
    return;
  }
  let place = uniforms.inputStart + i;
  let row = place / uniforms.inputColumns;
  let column = place % uniforms.inputColumns;
  // wraps to a large number below the window
  let inWindow = row * uniforms.outputColumns + uniforms.firstColumn + column - uniforms.outputStart;
  if (inWindow < uniforms.outputCount) {
    output[inWindow] = input[i];
  }
}
