// reduce sum: output[o, k, i] = scale * sum of input[o, r, i] over the positions r of chunk k.
// The input is [outer, extent, inner] Values, the output [outer, chunks, inner]; a chunk is chunkLength positions.
//
// A workgroup of rows x columns invocations computes `columns` neighbouring outputs of one chunk: each invocation adds up
// every rows-th position, then a tree in shared memory joins the rows. As chunks are short and their sums are added by
// the same kernel again, the rounding error grows with the logarithm of the extent, as in pairwise summation
// (Higham, "The accuracy of floating point summation", 1993). Workgroups take the columns of chunk 0, then of chunk 1, ...
// Operands may be windows, which begin at Value inputShift and outputShift of their bindings.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"

const rows = ${rows}u;
const columns = ${columns}u;

var<workgroup> sums: array<Value, rows * columns>;

@compute @workgroup_size(rows * columns)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let number = linearGroup(group, groups);
  let tiles = (uniforms.outputs + columns - 1u) / columns;
  let chunk = number / tiles;
  let column = number % tiles * columns + local % columns;
  let row = local / columns;
  let outer = column / uniforms.inner;
  let inside = column % uniforms.inner;
  let isUsed = column < uniforms.outputs && chunk < uniforms.chunks;
  var sum = Value();
  if (isUsed) {
    let start = uniforms.inputShift + outer * uniforms.extent * uniforms.inner + inside;
    let end = min((chunk + 1u) * uniforms.chunkLength, uniforms.extent);
    for (var position = chunk * uniforms.chunkLength + row; position < end; position += rows) {
      sum += Value(input[start + position * uniforms.inner]);
    }
  }
  sums[local] = sum;
  workgroupBarrier();
  for (var half = rows / 2u; half > 0u; half /= 2u) {
    if (row < half) {
      sums[local] += sums[local + half * columns];
    }
    workgroupBarrier();
  }
  if (isUsed && row == 0u) {
    let place = uniforms.outputShift + (outer * uniforms.chunks + chunk) * uniforms.inner + inside;
    output[place] = sums[local] * uniforms.scale;
  }
}
