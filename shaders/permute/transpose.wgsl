// transpose: output[b][c][r] = input[b][r][c] for contiguous matrices of one shape. Elements are 32 bits of any type, or f16.
// One workgroup moves one tile of tile x tile elements through shared memory, so that both the reads and the writes of
// neighbouring invocations are neighbours in memory; the tile's rows are one element longer than the tile, so that a
// column of it lies in different banks. The technique is Ruetsch and Micikevicius, "Optimizing Matrix Transpose in
// CUDA" (2009).

#include "common/linear-index.wgsl"

var<workgroup> block: array<${element}, ${tile} * (${tile} + 1)>;

@compute @workgroup_size(${tile} * ${tile})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tilesAcross = (uniforms.columns + ${tile}u - 1u) / ${tile}u;
  let tilesDown = (uniforms.rows + ${tile}u - 1u) / ${tile}u;
  let number = linearGroup(group, groups);
  let firstColumn = (number % tilesAcross) * ${tile}u;
  let firstRow = (number / tilesAcross % tilesDown) * ${tile}u;
  let matrix = number / tilesAcross / tilesDown;
  let origin = matrix * uniforms.rows * uniforms.columns;
  let inBatch = matrix < uniforms.batch;
  let x = local % ${tile}u;
  let y = local / ${tile}u;

  if (inBatch && firstRow + y < uniforms.rows && firstColumn + x < uniforms.columns) {
    block[y * (${tile}u + 1u) + x] = input[origin + (firstRow + y) * uniforms.columns + firstColumn + x];
  }
  workgroupBarrier();
  if (inBatch && firstColumn + y < uniforms.columns && firstRow + x < uniforms.rows) {
    output[origin + (firstColumn + y) * uniforms.rows + firstRow + x] = block[x * (${tile}u + 1u) + y];
  }
}
