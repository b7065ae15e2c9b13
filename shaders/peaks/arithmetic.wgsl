// peaks, arithmetic: as many multiply-adds as the adapter can do, for a measurement of that. An invocation has eight numbers
// in registers and puts each through x = x * factor + summand, 32 * rounds times. The eight do not depend on each other, so
// that none waits for another, and they leave room in the 16 registers of a CPU. output[i] is the sum of the eight of
// invocation i, which begin with i % 4 + 0, 1, ... 7; factor and summand come from outside, so that no compiler can know
// the result without the work.

#include "common/linear-index.wgsl"

fn once(x: mat2x4<f32>) -> mat2x4<f32> {
  let factor = vec4<f32>(uniforms.factor);
  let summand = vec4<f32>(uniforms.summand);
  return mat2x4<f32>(fma(x[0], factor, summand), fma(x[1], factor, summand));
}

fn fourTimes(x: mat2x4<f32>) -> mat2x4<f32> {
  return once(once(once(once(x))));
}

fn sixteenTimes(x: mat2x4<f32>) -> mat2x4<f32> {
  return fourTimes(fourTimes(fourTimes(fourTimes(x))));
}

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
  let first = vec4<f32>(0.0, 1.0, 2.0, 3.0) + f32(i % 4u);
  var x = mat2x4<f32>(first, first + 4.0);
  for (var round = 0u; round < uniforms.rounds; round += 1u) {
    x = sixteenTimes(sixteenTimes(x));
  }
  output[i] = dot(x[0] + x[1], vec4<f32>(1.0));
}
