// reduce place, the gradient of a maximum: output[o, r, i] = input[o, i] where r is positions[o, i], else 0.
// The f32 input and positions (i32) are [outer, inner], the output is [outer, extent, inner]; one invocation computes one
// element of it. Operands may be windows, which begin at a shift in their bindings; the output's begins at position
// firstPosition of the extent and has windowExtent of them.

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i < uniforms.size) {
    let outer = i / (uniforms.windowExtent * uniforms.inner);
    let position = i / uniforms.inner % uniforms.windowExtent + uniforms.firstPosition;
    let reduced = outer * uniforms.inner + i % uniforms.inner;
    let isPlace = u32(positions[uniforms.positionsShift + reduced]) == position;
    output[uniforms.outputShift + i] = select(0.0, input[uniforms.inputShift + reduced], isPlace);
  }
}
