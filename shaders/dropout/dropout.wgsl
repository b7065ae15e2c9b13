// dropout (Srivastava et al., 2014): output[i] = input[i] * scale, or 0 where element i is dropped; the backward pass is the
// same on gradients. Element i is dropped where its random word is below dropBelow, so nobody has to keep a mask.
// One invocation computes the four neighbouring elements of one block of the generator. The operands may be windows that
// begin with block firstBlock.

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
    let i = block * 4u + k;
    output[i] = OutputElement(select(f32(input[i]) * uniforms.scale, 0.0, words[k] < uniforms.dropBelow));
  }
}
