// reduce pick, the values of a maximum: output[o, i] = input[o, positions[o, i], i].
// The f32 input is [outer, extent, inner], positions (i32) and the output are [outer, inner]; one invocation computes one
// element of the output. Operands may be windows, which begin at a shift in their bindings; the input's begins at position
// firstPosition of the extent and has windowExtent of them. What lies outside is left to another dispatch.

#include "common/linear-index.wgsl"

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
  let position = u32(positions[uniforms.positionsShift + i]) - uniforms.firstPosition; // wraps to a large number before the window
  if (position < uniforms.windowExtent) {
    let outer = i / uniforms.inner;
    let place = (outer * uniforms.windowExtent + position) * uniforms.inner + i % uniforms.inner;
    output[uniforms.outputShift + i] = input[uniforms.inputShift + place];
  }
}
