// cast between f32 and f16: output[i] = input[i], to the nearest number that the output's type has.
// One invocation converts one Value of contiguous arrays.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i < uniforms.size) {
    output[i] = OutputElement(Value(input[i]));
  }
}
