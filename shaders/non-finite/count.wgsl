// non-finite count: adds the number of NaN and infinite elements of an f32 array to count[0].
// The elements arrive as bits (u32), because WGSL may assume that comparisons never see NaN. Each invocation looks at
// `stride` elements, a workgroup apart; a tree in shared memory joins them, and an atomic addition of integers, whose order
// does not matter, joins the workgroups.

#include "common/linear-index.wgsl"

const workgroupSize = ${workgroupSize}u;
const stride = ${elementsPerInvocation}u;

var<workgroup> partial: array<u32, workgroupSize>;

@compute @workgroup_size(workgroupSize)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let start = linearGroup(group, groups) * workgroupSize * stride + local;
  var found = 0u;
  for (var k = 0u; k < stride; k++) {
    let i = start + k * workgroupSize;
    if (i < uniforms.size && (input[i] & 0x7f800000u) == 0x7f800000u) {
      found++;
    }
  }
  partial[local] = found;
  workgroupBarrier();
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      partial[local] += partial[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u && partial[0] > 0u) {
    atomicAdd(&count[0], partial[0]);
  }
}
