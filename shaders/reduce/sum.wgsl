// reduce sum: output[o, k, i] = scale * sum of input[o, r, i] over the positions r of chunk k.
// The input is [outer, extent, inner] Values, the output [outer, chunks, inner]; a chunk is chunkLength positions.
// Operands may be windows, which begin at Value inputShift and outputShift of their bindings.
//
// One invocation adds up positions of one output, or of four neighbours; see part.wgsl. As chunks are short and their sums are
// added by the same kernel again, the rounding error grows with the logarithm of the extent, as in pairwise summation
// (Higham, "The accuracy of floating point summation", 1993).

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "reduce/part.wgsl"

#if ${tree}
var<workgroup> sums: array<Value, rows * columns>;
#endif

@compute @workgroup_size(rows * columns)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let part = partOf(group, groups, local);
  var sum = Value();
  if (part.isUsed) {
    for (var position = part.chunk * uniforms.chunkLength + part.row; position < part.end; position += rows) {
      sum += Value(input[part.start + position * uniforms.inner]);
    }
  }
#if ${tree}
  sums[local] = sum;
  workgroupBarrier();
  for (var half = rows / 2u; half > 0u; half /= 2u) {
    if (part.row < half) {
      sums[local] += sums[local + half * columns];
    }
    workgroupBarrier();
  }
  sum = sums[local];
#endif
  if (part.isUsed && part.row == 0u) {
    output[part.place] = sum * uniforms.scale;
  }
}
