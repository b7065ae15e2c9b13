// sum-squares: partials[firstPartial + g] = the sum of the squares of the g-th chunk of f32 arrays. One workgroup sums one
// chunk, four neighbours at a time: each invocation adds every workgroup-size-th four to four sums, which become one at the
// end, then a tree. Where a chunk lies, and whether its array can be loaded in fours, makes no difference to the order.
//
// Chunks are elementsPerGroup elements each of one contiguous array; or chunks[g] = (start, end) of arrays that lie in one
// buffer, each beginning at a multiple of four.

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
  let isChunk = chunk < uniforms.count;
  let range = select(vec2<u32>(), rangeOf(chunk), isChunk); // no early return: barriers follow
  var sums = vec4<f32>();
  for (var i = range.x + local * 4u; i < range.y; i += ${workgroupSize}u * 4u) {
    let values = fourFrom(i, range.y);
    sums += values * values;
  }
  let total = workgroupSum((sums.x + sums.y) + (sums.z + sums.w), local);
  if (local == 0u && isChunk) {
    partials[uniforms.firstPartial + chunk] = total;
  }
}

#if ${listed}
fn rangeOf(chunk: u32) -> vec2<u32> {
  return chunks[uniforms.firstChunk + min(chunk, uniforms.count - 1u)];
}
#else
fn rangeOf(chunk: u32) -> vec2<u32> {
  let start = chunk * uniforms.elementsPerGroup;
  return vec2<u32>(start, min(start + uniforms.elementsPerGroup, uniforms.size));
}
#endif

// The elements from i on, a multiple of four; zeros from end on.
#if ${vectors}
fn fourFrom(i: u32, end: u32) -> vec4<f32> {
  return select(vec4<f32>(), gradient[i / 4u], i + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(end));
}
#else
fn fourFrom(i: u32, end: u32) -> vec4<f32> {
  return vec4<f32>(elementOr0(i, end), elementOr0(i + 1u, end), elementOr0(i + 2u, end), elementOr0(i + 3u, end));
}

fn elementOr0(i: u32, end: u32) -> f32 {
  return select(0.0, gradient[min(i, end - 1u)], i < end);
}
#endif
