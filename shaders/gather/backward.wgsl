// gather backward: inputGradient[r, i] += outputGradient[k, i] for all k with index[k] = r, in the order of k, so that equal
// inputs give equal bits. One invocation owns column i of f32 [rows, inner] and walks through the entries: rows that
// several entries picked need no atomics, and the time grows with the entries, not with entries times rows.
//
// The operands may be windows: the input gradient's holds `rows` rows from firstRow on; the output gradient's has `entries`
// rows. The input gradient is zero before the first window.

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let column = linearIndex(group, groups, local, ${workgroupSize}u);
  if (column >= uniforms.inner) {
    return;
  }
  for (var entry = 0u; entry < uniforms.entries; entry++) {
    let row = u32(index[entry]) - uniforms.firstRow; // what lies before the window, or is negative, becomes huge
    if (row < uniforms.rows) {
      inputGradient[row * uniforms.inner + column] += outputGradient[entry * uniforms.inner + column];
    }
  }
}
