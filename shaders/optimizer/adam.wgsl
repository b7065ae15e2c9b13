// adam: one step of Adam or AdamW. One invocation updates one Value of contiguous f32 arrays.
// Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2015), and Loshchilov and Hutter, "Decoupled Weight Decay
// Regularization" (2019), by the formulas of PyTorch 1.13 (torch.optim.Adam, torch.optim.AdamW). What depends on the
// number of the step only is computed on the CPU in double precision.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"

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
  let value = parameter[i];
#if ${decoupled}
  let slope = gradient[i];
  let shrink = uniforms.decay * value; // decay = learning rate * weight decay
#else
  let slope = gradient[i] + uniforms.decay * value; // decay = weight decay
  let shrink = Value();
#endif
  let first = uniforms.beta1 * firstMoment[i] + uniforms.oneMinusBeta1 * slope;
  let second = uniforms.beta2 * secondMoment[i] + uniforms.oneMinusBeta2 * slope * slope;
  firstMoment[i] = first;
  secondMoment[i] = second;
  // one small term to subtract, so that the parameter is rounded once; PyTorch multiplies it with 1 - decay before
  let change = uniforms.stepSize * first / (sqrt(second) / uniforms.secondCorrection + uniforms.epsilon);
  parameter[i] = value - (change + shrink);
}
