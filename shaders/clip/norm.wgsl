// norm: the square root of the sum of contiguous f32 values, which are sums of squares, and the factor that brings this
// norm down to maxNorm: PyTorch's maxNorm / (norm + 1e-6), at most 1 (torch.nn.utils.clip_grad_norm_).
// One workgroup computes everything.

#include "common/workgroup-sum.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = 0.0;
  for (var i = local; i < uniforms.count; i += ${workgroupSize}u) {
    sum += partials[i];
  }
  let size = sqrt(workgroupSum(sum, local));
  if (local == 0u) {
    let ratio = uniforms.maxNorm / (size + 1e-6);
    norm[0] = size;
    // a comparison, not min(): min(NaN, 1) may be 1, which would hide a diverged network
    factor[0] = select(ratio, 1.0, ratio > 1.0);
  }
}
