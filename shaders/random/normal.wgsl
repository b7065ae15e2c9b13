// normally distributed random numbers: mean + std * z by Box and Muller's transform ("A note on the generation of random
// normal deviates", 1958), which turns two uniform numbers into two normal ones.
// One invocation writes the four neighbouring elements of one block of the generator. The output may be a window that
// begins with block firstBlock.

#include "common/linear-index.wgsl"
#include "common/random.wgsl"

const pi = 3.14159265358979;

fn boxMuller(first: u32, second: u32) -> vec2<f32> {
  let radius = sqrt(-2.0 * log(1.0 - unitInterval(first))); // the logarithm's argument is never 0
  let angle = pi * (2.0 * unitInterval(second) - 1.0); // from -pi, where sine and cosine are most precise
  return radius * vec2<f32>(cos(angle), sin(angle));
}

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
  let values = vec4<f32>(boxMuller(words.x, words.y), boxMuller(words.z, words.w));
  for (var k = 0u; k < 4u && block * 4u + k < uniforms.size; k++) {
    output[block * 4u + k] = uniforms.mean + uniforms.deviation * values[k];
  }
}
