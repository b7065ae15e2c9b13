// reduce argmax: output[o, k, i] = the first position r of chunk k at which input[o, r, i] is largest; NaN is larger than
// everything. The input is [outer, extent, inner], the output [outer, chunks, inner]; a chunk is chunkLength positions.
//
// Values are compared as integers in the order of the numbers, because WGSL may assume that comparisons never see NaN.
// What travels between passes is a candidate: such a key and the position that it came from. The first pass makes
// candidates from the bits of f32 values, the last one writes positions (i32). One invocation looks at positions of one output;
// see part.wgsl. Shifts are as in sum.wgsl; the input may begin at position firstPosition of the extent.

#include "common/linear-index.wgsl"
#include "reduce/part.wgsl"

const infinityBits = 0x7f800000u;

#if ${tree}
var<workgroup> candidates: array<vec2<u32>, rows * columns>;
#endif

// Larger keys for larger numbers, the largest of all for NaN, and one key for both zeros; never 0.
fn keyOf(bits: u32) -> u32 {
  if ((bits & 0x7fffffffu) > infinityBits) {
    return 0xffffffffu;
  }
  if (bits == 0x80000000u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

// The larger key, and the earlier position among equal ones.
fn better(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
  return select(a, b, b.x > a.x || (b.x == a.x && b.y < a.y));
}

@compute @workgroup_size(rows * columns)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let part = partOf(group, groups, local);
  var best = vec2<u32>(0u, 0xffffffffu);
  if (part.isUsed) {
    for (var position = part.chunk * uniforms.chunkLength + part.row; position < part.end; position += rows) {
      let element = input[part.start + position * uniforms.inner];
#if ${takesValues}
      best = better(best, vec2<u32>(keyOf(element), uniforms.firstPosition + position));
#else
      best = better(best, element);
#endif
    }
  }
#if ${tree}
  candidates[local] = best;
  workgroupBarrier();
  for (var half = rows / 2u; half > 0u; half /= 2u) {
    if (part.row < half) {
      candidates[local] = better(candidates[local], candidates[local + half * columns]);
    }
    workgroupBarrier();
  }
  best = candidates[local];
#endif
  if (part.isUsed && part.row == 0u) {
#if ${givesPositions}
    output[part.place] = i32(best.y);
#else
    output[part.place] = best;
#endif
  }
}
