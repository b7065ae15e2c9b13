// uniform random numbers in [low, high). One invocation writes the four neighbouring elements of one block of the generator.
// The output may be a window that begins with block firstBlock.

#include "common/linear-index.wgsl"
#include "common/random.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let block = linearIndex(group, groups, local, ${workgroupSize}u);
  if (block * 4u >= uniforms.size) {
    return;
  }
  let words = randomWords(uniforms.seed, uniforms.stream, uniforms.firstBlock + block);
  for (var k = 0u; k < 4u && block * 4u + k < uniforms.size; k++) {
    // the sum may round up to the upper bound, which does not belong to the interval
    let value = uniforms.low + unitInterval(words[k]) * uniforms.span;
    output[block * 4u + k] = min(value, uniforms.largest);
  }
}
