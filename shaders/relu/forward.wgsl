// relu forward: output[i] = max(input[i], 0), NaN stays NaN. One invocation computes one
// Value of a contiguous f32 array.

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
    let value = Value(input[i]);
    // a comparison, not max(): max(NaN, 0) may be 0, which would hide a diverged network
    output[i] = OutputElement(select(value, Value(), value <= Value()));
  }
}
