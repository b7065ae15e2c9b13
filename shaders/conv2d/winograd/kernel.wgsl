// Winograd, the kernel's transform: output[i, element] = element i (row by row) of G g G^T, where g are the 3 x 3 taps of
// one element of [Cin, Cout], or of four; `flipped` takes the taps in reverse, for the gradient of the input. See
// conv2d/winograd/transforms.wgsl.
// One invocation transforms one element, or four. weight is [3, 3, Cin, Cout], output [tileSide^2, Cin, Cout].

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
  var rows: array<TileLine, 3>;
  for (var y = 0u; y < 3u; y++) {
    var line: KernelLine;
    for (var x = 0u; x < 3u; x++) {
      let tap = y * 3u + x;
#if ${flipped}
      line[x] = weight[(8u - tap) * uniforms.size + element];
#else
      line[x] = weight[tap * uniforms.size + element];
#endif
    }
    rows[y] = transformKernel(line);
  }
  for (var x = 0u; x < tileSide; x++) {
    let column = transformKernel(KernelLine(rows[0][x], rows[1][x], rows[2][x]));
    for (var y = 0u; y < tileSide; y++) {
      output[(y * tileSide + x) * uniforms.size + element] = column[y];
    }
  }
}
