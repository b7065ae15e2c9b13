// Winograd, from sums of products to the kernel's gradient: weightGradient[ky, kx, element] = tap (ky, kx) of G^T S G, where
// S[i] = sums[i, element]; with `accumulate` it is added to what is there. It is the adjoint of conv2d/winograd/kernel.wgsl; see
// conv2d/winograd/transforms.wgsl.
// One invocation computes one element of [Cin, Cout], or four. sums is [tileSide^2, Cin, Cout], weightGradient [3, 3, Cin,
// Cout].

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "conv2d/winograd/transforms.wgsl"

@compute @workgroup_size(${workgroupSize})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let element = linearIndex(group, groups, local, ${workgroupSize}u);
  if (element >= uniforms.size) {
    return;
  }
  var rows: array<KernelLine, tileSide>;
  for (var y = 0u; y < tileSide; y++) {
    var line: TileLine;
    for (var x = 0u; x < tileSide; x++) {
      line[x] = sums[(y * tileSide + x) * uniforms.size + element];
    }
    rows[y] = gatherKernel(line);
  }
  for (var x = 0u; x < 3u; x++) {
    var line: TileLine;
    for (var y = 0u; y < tileSide; y++) {
      line[y] = rows[y][x];
    }
    let column = gatherKernel(line);
    for (var y = 0u; y < 3u; y++) {
      let position = (y * 3u + x) * uniforms.size + element;
#if ${accumulate}
      weightGradient[position] += column[y];
#else
      weightGradient[position] = column[y];
#endif
    }
  }
}
