// gather backward: inputGradient[r, i] = the sum of outputGradient[k, i] over all k with index[k] = r, in the order of k, so
// that equal inputs give equal bits. One invocation computes one element of f32 [rows, inner] and reads the whole index.
//
// The operands may be windows: the input gradient's begins with row firstRow; the output gradient's has `entries` rows.
// Later windows of the output gradient (isFirst is 0) add to what the earlier ones left.

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
  let row = i32(uniforms.firstRow + i / uniforms.inner);
  let column = i % uniforms.inner;
  var sum = 0.0;
  if (uniforms.isFirst == 0u) {
    sum = inputGradient[i];
  }
  for (var entry = 0u; entry < uniforms.entries; entry++) {
    if (index[entry] == row) {
      sum += outputGradient[entry * uniforms.inner + column];
    }
  }
  inputGradient[i] = sum;
}
