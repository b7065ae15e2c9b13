// permute: the general rearrangement of dimensions. One invocation computes one element of the output.
// The output is contiguous, its dimensions 0..rank-1 have the lengths length0..; going one step along output dimension k
// moves stride_k elements in the contiguous input. Elements are 32 bits of any type, or f16.
// Operands may be windows: input[0] is element inputStart of its tensor, and what lies outside of the window is left to
// another dispatch (see src/kernels/element-windows.ts).

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let i = linearIndex(group, groups, local, ${workgroupSize}u);
  if (i >= uniforms.outputCount) {
    return;
  }
  // the rank is a constant, so the compiler keeps only the divisions that are needed
  var rest = uniforms.outputStart + i;
  var place = 0u;
  if (${rank}u > 5u) {
    place += (rest % uniforms.length5) * uniforms.stride5;
    rest /= uniforms.length5;
  }
  if (${rank}u > 4u) {
    place += (rest % uniforms.length4) * uniforms.stride4;
    rest /= uniforms.length4;
  }
  if (${rank}u > 3u) {
    place += (rest % uniforms.length3) * uniforms.stride3;
    rest /= uniforms.length3;
  }
  if (${rank}u > 2u) {
    place += (rest % uniforms.length2) * uniforms.stride2;
    rest /= uniforms.length2;
  }
  if (${rank}u > 1u) {
    place += (rest % uniforms.length1) * uniforms.stride1;
    rest /= uniforms.length1;
  }
  place += rest * uniforms.stride0;
  let inWindow = place - uniforms.inputStart; // wraps to a large number below the window
  if (inWindow < uniforms.inputCount) {
    output[i] = input[inWindow];
  }
}
