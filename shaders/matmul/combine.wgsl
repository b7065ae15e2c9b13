// Adds the parts of an inner product whose depth was split: output[i] = sum over s of partials[s, i], in the order of
// s, plus what the epilogue adds. One invocation computes one Value; partials is f32 [splits, size], row-major.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"

#include "matmul/epilogue.wgsl"

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
  var sum = partials[i];
  for (var split = 1u; split < uniforms.splits; split++) {
    sum += partials[split * uniforms.size + i];
  }
  let position = uniforms.outputOffset + i;
  output[position] = OutputElement(finish(sum, position, columnTerms(uniforms.biasOffset + i % uniforms.biasLength)));
}
