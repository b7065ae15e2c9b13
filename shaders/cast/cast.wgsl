// cast: output[i] = the number input[i] in another type, times scale where the output is f32.
// One invocation computes one element of contiguous arrays. Bytes (u8) lie four to a word, the first one lowest.

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
#if ${fromBytes}
  let value = (input[i / 4u] >> (i % 4u * 8u)) & 0xffu;
#else
  let value = input[i];
#endif
#if ${toFloat}
  output[i] = f32(value) * uniforms.scale;
#else
  output[i] = ${outputElement}(value);
#endif
}
