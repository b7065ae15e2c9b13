// sgd: one step of stochastic gradient descent. One invocation updates one Value of contiguous f32 arrays.
// The formulas are PyTorch's (torch.optim.SGD): velocity = momentum * velocity + (1 - dampening) * gradient, and
// Nesterov's variant steps along gradient + momentum * velocity. The first step has velocity = 0 and gain = 1.
// With `guarded`, nothing is changed where guard[0] is not 0, guard[2] earlier steps were left out and do not count, and gradients
// are to be multiplied by the f32 in guard[3] (see src/kernels/optimizer/guard.ts).

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
#endif
  let value = parameter[i];
  var direction = scaled(gradient[i]) + uniforms.weightDecay * value;
#if ${momentum}
#if ${guarded}
  let gain = select(uniforms.gain, 1.0, uniforms.updates == guard[2] + 1u);
#else
  let gain = uniforms.gain;
#endif
  let newVelocity = uniforms.momentum * velocity[i] + gain * direction;
  velocity[i] = newVelocity;
#if ${nesterov}
  direction += uniforms.momentum * newVelocity;
#else
  direction = newVelocity;
#endif
#endif
  parameter[i] = value - uniforms.learningRate * direction;
}
