// gather forward: output[k, i] = input[index[k], i], rows of any 32-bit type. One invocation computes one element.
//
// Input and output may be windows: the input's has windowRows rows from firstRow on, the output's begins with entry
// firstEntry of the index. Rows outside of the input's window are left to another dispatch. An index outside of all rows
// gives zeros and is reported: its position + 1 goes into the fault buffer (src/device/faults.ts).

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
  let entry = i / uniforms.inner;
  let column = i % uniforms.inner;
  let row = u32(index[entry]); // negative numbers become large ones
  let rowInWindow = row - uniforms.firstRow; // wraps to a large number before the window
  if (row >= uniforms.rows) {
    output[i] = 0u;
    if (column == 0u) {
      atomicMax(&faults[uniforms.faultSlot], uniforms.firstEntry + entry + 1u);
    }
  } else if (rowInWindow < uniforms.windowRows) {
    output[i] = input[rowInWindow * uniforms.inner + column];
  }
}
