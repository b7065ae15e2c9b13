// sum-squares: partials[firstPartial + g] = the sum of the squares of the g-th chunk of a contiguous f32 array.
// One workgroup sums one chunk of elementsPerGroup elements: each invocation every workgroup-size-th one, then a tree.

#include "common/linear-index.wgsl"
#include "common/workgroup-sum.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let chunk = linearGroup(group, groups);
  let start = chunk * uniforms.elementsPerGroup;
  let end = min(start + uniforms.elementsPerGroup, uniforms.size);
  var sum = 0.0;
  for (var i = start + local; i < end; i += ${workgroupSize}u) {
    let value = gradient[i];
    sum += value * value;
  }
  let total = workgroupSum(sum, local);
  if (local == 0u && start < uniforms.size) {
    partials[uniforms.firstPartial + chunk] = total;
  }
}
