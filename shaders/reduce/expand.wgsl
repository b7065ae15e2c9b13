// reduce expand, the gradient of a sum: output[o, r, i] = scale * input[o, i].
// The f32 input is [outer, inner], the output [outer, extent, inner]; one invocation computes one element of it.
// Operands may be windows, which begin at element inputShift and outputShift of their bindings.

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i < uniforms.size) {
    let outer = i / (uniforms.extent * uniforms.inner);
    let place = uniforms.inputShift + outer * uniforms.inner + i % uniforms.inner;
    output[uniforms.outputShift + i] = uniforms.scale * input[place];
  }
}
