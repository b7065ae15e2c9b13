// sgd: one step of stochastic gradient descent. One invocation updates one Value of contiguous f32 arrays.
// The formulas are PyTorch's (torch.optim.SGD): velocity = momentum * velocity + (1 - dampening) * gradient, and
// Nesterov's variant steps along gradient + momentum * velocity. The first step has velocity = 0 and gain = 1.

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
  var direction = gradient[i] + uniforms.weightDecay * value;
#if ${momentum}
  let newVelocity = uniforms.momentum * velocity[i] + uniforms.gain * direction;
  velocity[i] = newVelocity;
#if ${nesterov}
  direction += uniforms.momentum * newVelocity;
#else
  direction = newVelocity;
#endif
#endif
  parameter[i] = value - uniforms.learningRate * direction;
}
