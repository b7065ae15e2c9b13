// The gradients of softmax and log-softmax over the middle of f32 [outer, extent, inner]:
//   log-softmax: inputGradient = outputGradient - exp(output) * (sum of outputGradient over the line)
//   softmax:     inputGradient = output * (outputGradient - sum of outputGradient * output over the line)
// Lines and lanes as in forward.wgsl; the sums are trees in shared memory.

#include "common/linear-index.wgsl"
#include "common/nan.wgsl"

const lanes = ${lanes}u;
const workgroupSize = ${workgroupSize}u;

var<workgroup> partial: array<f32, workgroupSize>;

@compute @workgroup_size(workgroupSize)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % lanes;
  let line = linearIndex(group, groups, local, workgroupSize) / lanes;
  let start = line / uniforms.inner * uniforms.extent * uniforms.inner + line % uniforms.inner;
  let extent = select(0u, uniforms.extent, line < uniforms.lines); // no early return: barriers follow

  var sum = 0.0;
  for (var i = lane; i < extent; i += lanes) {
    let place = start + i * uniforms.inner;
#if ${logarithm}
    sum += outputGradient[place];
#else
    sum += outputGradient[place] * output[place];
#endif
  }
  partial[local] = sum;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[local] += partial[local + half];
    }
    workgroupBarrier();
  }
  sum = partial[local - lane];

  for (var i = lane; i < extent; i += lanes) {
    let place = start + i * uniforms.inner;
#if ${logarithm}
    inputGradient[place] = outputGradient[place] - expOrNan(output[place]) * sum;
#else
    inputGradient[place] = output[place] * (outputGradient[place] - sum);
#endif
  }
}
