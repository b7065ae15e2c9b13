// transpose: output[b][c][r] = input[b][r][c] for contiguous matrices of one shape. Elements are 32 bits of any type, or f16.
// One invocation moves a block of 4 x 4 elements through registers, in vectors where the matrices' sides allow it: for
// adapters that run on the CPU, where barriers are dear and the division that finds a place is worth doing once for many
// elements. Blocks are numbered along the columns, then the rows, then the batch. Rows beyond the last one repeat it and are
// not stored, columns likewise.

#include "common/linear-index.wgsl"

alias Four = vec4<${element}>;
#if ${rowsInFours}
alias RowElement = Four;
#else
alias RowElement = ${element};
#endif
#if ${columnsInFours}
alias ColumnElement = Four;
#else
alias ColumnElement = ${element};
#endif

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i >= uniforms.blocks) {
    return;
  }
  let blocksAcross = (uniforms.columns + 3u) / 4u;
  let blocksDown = (uniforms.rows + 3u) / 4u;
  let number = i / blocksAcross;
  let matrix = number / blocksDown;
  let row = (number - matrix * blocksDown) * 4u;
  let column = (i - number * blocksAcross) * 4u;
  let origin = matrix * uniforms.rows * uniforms.columns;
  let a = loadRow(origin, row, column);
  let b = loadRow(origin, row + 1u, column);
  let c = loadRow(origin, row + 2u, column);
  let d = loadRow(origin, row + 3u, column);
  storeColumn(origin, column, row, Four(a.x, b.x, c.x, d.x));
  storeColumn(origin, column + 1u, row, Four(a.y, b.y, c.y, d.y));
  storeColumn(origin, column + 2u, row, Four(a.z, b.z, c.z, d.z));
  storeColumn(origin, column + 3u, row, Four(a.w, b.w, c.w, d.w));
}

fn loadRow(origin: u32, row: u32, column: u32) -> Four {
  let start = origin + min(row, uniforms.rows - 1u) * uniforms.columns;
#if ${rowsInFours}
  return input[(start + column) / 4u];
#else
  let i = start + min(column + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(uniforms.columns - 1u));
  return Four(input[i.x], input[i.y], input[i.z], input[i.w]);
#endif
}

fn storeColumn(origin: u32, column: u32, row: u32, values: Four) {
  if (column >= uniforms.columns) {
    return;
  }
  let i = origin + column * uniforms.rows + row;
#if ${columnsInFours}
  output[i / 4u] = values;
#else
  output[i] = values.x;
  if (row + 1u < uniforms.rows) {
    output[i + 1u] = values.y;
  }
  if (row + 2u < uniforms.rows) {
    output[i + 2u] = values.z;
  }
  if (row + 3u < uniforms.rows) {
    output[i + 3u] = values.w;
  }
#endif
}
