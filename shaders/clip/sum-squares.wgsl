// sum-squares: partials[firstPartial + g] = the sum of the squares of the g-th chunk of a contiguous f32 array.
// One workgroup sums one chunk of elementsPerGroup elements, four neighbours at a time: each invocation adds every
// workgroup-size-th four to four sums, which become one at the end, then a tree. Whether the array can be loaded in fours
// makes no difference to the order.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
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
  var sums = vec4<f32>();
  for (var i = start + local * 4u; i < end; i += ${workgroupSize}u * 4u) {
    let values = fourFrom(i, end);
    sums += values * values;
  }
  let total = workgroupSum((sums.x + sums.y) + (sums.z + sums.w), local);
  if (local == 0u && start < uniforms.size) {
    partials[uniforms.firstPartial + chunk] = total;
  }
}

#if ${vectors}
// The elements from i on, a multiple of four; zeros from end on.
fn fourFrom(i: u32, end: u32) -> vec4<f32> {
  return gradient[i / 4u];
}
#else
fn fourFrom(i: u32, end: u32) -> vec4<f32> {
  return vec4<f32>(elementOr0(i, end), elementOr0(i + 1u, end), elementOr0(i + 2u, end), elementOr0(i + 3u, end));
}

fn elementOr0(i: u32, end: u32) -> f32 {
  return select(0.0, gradient[min(i, end - 1u)], i < end);
}
#endif
