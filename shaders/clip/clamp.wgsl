// clamp: gradient[i] is limited to -limit ... limit; NaN stays NaN. One invocation limits one Value of a contiguous f32
// array.

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
    let value = gradient[i];
    // comparisons, not clamp(): clamp(NaN) may be a number, which would hide a diverged network
    let limit = Value(uniforms.limit);
    let below = select(value, limit, value > limit);
    gradient[i] = select(below, -limit, value < -limit);
  }
}
