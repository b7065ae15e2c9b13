// Batch norm with running statistics as one factor and one summand for each channel, for the epilogue of a convolution:
//   scale = weight / sqrt(variance + eps)
//   shift = (convolution's bias - mean) * scale + bias
// folded holds scale from 0 on and shift from shiftStart on. One invocation computes one channel.

#include "common/linear-index.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let c = linearIndex(group, groups, local, ${workgroupSize}u);
  if (c >= uniforms.channels) {
    return;
  }
  let scale = weight[c] * (1.0 / sqrt(variance[c] + uniforms.eps));
  var center = -mean[c];
#if ${convolutionBias}
  center += convolutionBias[c];
#endif
  folded[c] = scale;
  folded[uniforms.shiftStart + c] = fma(center, scale, bias[c]);
}
