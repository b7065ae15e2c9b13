// reduce argmax: output[o, k, i] = the first position r of chunk k at which input[o, r, i] is largest; NaN is larger than
// everything. The input is [outer, extent, inner], the output [outer, chunks, inner]; a chunk is chunkLength positions.
//
// Values are compared as integers in the order of the numbers, because WGSL may assume that comparisons never see NaN.
// What travels between passes is a candidate: such a key and the position that it came from. The first pass makes
// candidates from the bits of f32 values, the last one writes positions (i32). Workgroups and
// shifts as in sum.wgsl; the input may begin at position firstPosition of the extent.

#include "common/linear-index.wgsl"

const rows = ${rows}u;
const columns = ${columns}u;
const infinityBits = 0x7f800000u;

var<workgroup> candidates: array<vec2<u32>, rows * columns>;

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
  let number = linearGroup(group, groups);
  let tiles = (uniforms.outputs + columns - 1u) / columns;
  let chunk = number / tiles;
  let column = number % tiles * columns + local % columns;
  let row = local / columns;
  let outer = column / uniforms.inner;
  let inside = column % uniforms.inner;
  let isUsed = column < uniforms.outputs && chunk < uniforms.chunks;
  var best = vec2<u32>(0u, 0xffffffffu);
  if (isUsed) {
    let start = uniforms.inputShift + outer * uniforms.extent * uniforms.inner + inside;
    let end = min((chunk + 1u) * uniforms.chunkLength, uniforms.extent);
    for (var position = chunk * uniforms.chunkLength + row; position < end; position += rows) {
      let element = input[start + position * uniforms.inner];
#if ${takesValues}
      best = better(best, vec2<u32>(keyOf(element), uniforms.firstPosition + position));
#else
      best = better(best, element);
#endif
    }
  }
  candidates[local] = best;
  workgroupBarrier();
  for (var half = rows / 2u; half > 0u; half /= 2u) {
    if (row < half) {
      candidates[local] = better(candidates[local], candidates[local + half * columns]);
    }
    workgroupBarrier();
  }
  if (isUsed && row == 0u) {
    let place = uniforms.outputShift + (outer * uniforms.chunks + chunk) * uniforms.inner + inside;
#if ${givesPositions}
    output[place] = i32(candidates[local].y);
#else
    output[place] = candidates[local];
#endif
  }
}
