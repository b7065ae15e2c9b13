// Winograd, the output's transform: the output pixels of a tile are A^T M A, where M[i] = products[i, tile, channel] are the
// products summed over input channels, and then what the epilogue adds. See conv2d/winograd/transforms.wgsl.
// One invocation computes one tile of one channel, or of four. products is [tileSide^2, tiles, C], output [N, H, W, C].

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "matmul/epilogue.wgsl"
#include "conv2d/winograd/transforms.wgsl"
#include "conv2d/winograd/tiles.wgsl"

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
  var rows: array<OutputLine, tileSide>;
  for (var y = 0u; y < tileSide; y++) {
    var line: TileLine;
    for (var x = 0u; x < tileSide; x++) {
      line[x] = products[(y * tileSide + x) * uniforms.size + element];
    }
    rows[y] = transformOutput(line);
  }
  let place = tilePlace(element, uniforms.channels);
  let terms = columnTerms(uniforms.biasOffset + place.channel);
  for (var x = 0u; x < outputSide; x++) {
    var line: TileLine;
    for (var y = 0u; y < tileSide; y++) {
      line[y] = rows[y][x];
    }
    let column = transformOutput(line);
    for (var y = 0u; y < outputSide; y++) {
      if (place.y + y < uniforms.height && place.x + x < uniforms.width) {
        let pixel = (place.image * uniforms.height + place.y + y) * uniforms.width + place.x + x;
        let position = uniforms.outputOffset + pixel * uniforms.channels + place.channel;
        output[position] = OutputElement(finish(column[y], position, terms));
      }
    }
  }
}
