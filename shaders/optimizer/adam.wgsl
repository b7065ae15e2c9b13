// adam: one step of Adam or AdamW. One invocation updates one Value of contiguous f32 arrays.
// Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), and Loshchilov and Hutter, "Decoupled Weight Decay
// Regularization" (2019), by the formulas of PyTorch 1.13 (torch.optim.Adam, torch.optim.AdamW). What depends on the
// number of the step only is computed on the CPU in double precision.
// With `guarded`, nothing is changed where guard[0] is not 0, guard[2] earlier steps were left out and do not count, and gradients
// are to be multiplied by the f32 in guard[3] (see src/kernels/optimizer/guard.ts): only the GPU knows the number of the step then.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "optimizer/scaled.wgsl"

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
#if ${guarded}
  if (guard[0] > 0u) {
    return;
  }
  let steps = f32(max(i32(uniforms.step) - i32(guard[2]), 1));
  let stepSize = uniforms.learningRate / oneMinusExp(steps * uniforms.logBeta1);
  let secondCorrection = sqrt(oneMinusExp(steps * uniforms.logBeta2));
#else
  let stepSize = uniforms.stepSize;
  let secondCorrection = uniforms.secondCorrection;
#endif
  let value = parameter[i];
#if ${decoupled}
  let slope = scaled(gradient[i]);
  let shrink = uniforms.decay * value; // decay = learning rate * weight decay
#else
  let slope = scaled(gradient[i]) + uniforms.decay * value; // decay = weight decay
  let shrink = Value();
#endif
  let first = uniforms.beta1 * firstMoment[i] + uniforms.oneMinusBeta1 * slope;
  let second = uniforms.beta2 * secondMoment[i] + uniforms.oneMinusBeta2 * slope * slope;
  firstMoment[i] = first;
  secondMoment[i] = second;
  // one small term to subtract, so that the parameter is rounded once; PyTorch multiplies it with 1 - decay before
  let change = stepSize * first / (sqrt(second) / secondCorrection + uniforms.epsilon);
  parameter[i] = value - (change + shrink);
}

#if ${guarded}
// 1 - exp(x) for x <= 0. Near 0, where the difference would cancel, by the series of exp, whose ninth term is below 1e-7 there.
fn oneMinusExp(x: f32) -> f32 {
  if (x < -0.5) {
    return 1.0 - exp(x);
  }
  var sum = 1.0;
  for (var n = 8.0; n > 1.0; n -= 1.0) {
    sum = 1.0 + sum * x / n;
  }
  return -x * sum;
}
#endif
