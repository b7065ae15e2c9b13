// softmax and log-softmax over the middle of f32 [outer, extent, inner]; a line is the `extent` elements with equal outer
// and inner coordinates.
//   log-softmax: output = input - m - log(sum exp(input - m)), softmax: output = exp(input - m) / sum exp(input - m),
// where m is the line's maximum, which keeps exp from overflowing. `lanes` invocations work on one line: each reads every
// lanes-th element, trees in shared memory join what they found. NaN is skipped by the maximum and spoils the sum, so a
// line with a NaN becomes NaN everywhere, as in PyTorch.

#include "common/linear-index.wgsl"
#include "common/nan.wgsl"

const lanes = ${lanes}u;
const workgroupSize = ${workgroupSize}u;
const lowest = -3.4028234663852886e38;

var<workgroup> partial: array<f32, workgroupSize>;

@compute @workgroup_size(workgroupSize)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % lanes;
  let first = local - lane;
  let line = linearIndex(group, groups, local, workgroupSize) / lanes;
  let start = line / uniforms.inner * uniforms.extent * uniforms.inner + line % uniforms.inner;
  let extent = select(0u, uniforms.extent, line < uniforms.lines); // no early return: barriers follow

  var maximum = lowest;
  for (var i = lane; i < extent; i += lanes) {
    let value = input[start + i * uniforms.inner];
    maximum = select(maximum, value, value > maximum);
  }
  partial[local] = maximum;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[local] = max(partial[local], partial[local + half]);
    }
    workgroupBarrier();
  }
  maximum = partial[first];
  workgroupBarrier();

  var sum = 0.0;
  for (var i = lane; i < extent; i += lanes) {
    sum += expOrNan(input[start + i * uniforms.inner] - maximum);
  }
  partial[local] = sum;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[local] += partial[local + half];
    }
    workgroupBarrier();
  }
  sum = partial[first];

#if ${logarithm}
  let logSum = logOrNan(sum);
#endif
  for (var i = lane; i < extent; i += lanes) {
    let place = start + i * uniforms.inner;
#if ${logarithm}
    output[place] = input[place] - maximum - logSum;
#else
    output[place] = expOrNan(input[place] - maximum) / sum;
#endif
  }
}
