// Winograd, the output gradient's transform: output[i, tile, channel] = element i (row by row) of A dY A^T, where dY are
// the gradients of the tile's output pixels of one channel; those outside of the image are zero. It is the adjoint of
// conv2d/winograd/output.wgsl; see conv2d/winograd/transforms.wgsl.
// One invocation computes one tile of one channel, or of four. outputGradient is [N, H, W, C], output [tileSide^2, tiles,
// C].

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "conv2d/winograd/transforms.wgsl"
#include "conv2d/winograd/tiles.wgsl"

fn pixel(place: TilePlace, y: u32, x: u32) -> Value {
  let inside = y < uniforms.height && x < uniforms.width;
  let position = ((place.image * uniforms.height + y) * uniforms.width + x) * uniforms.channels + place.channel;
  return select(Value(), Value(outputGradient[select(0u, uniforms.outputGradientOffset + position, inside)]), inside);
}

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
  let place = tilePlace(element, uniforms.channels);
  var rows: array<TileLine, outputSide>;
  for (var y = 0u; y < outputSide; y++) {
    var line: OutputLine;
    for (var x = 0u; x < outputSide; x++) {
      line[x] = pixel(place, place.y + y, place.x + x);
    }
    rows[y] = spreadOutput(line);
  }
  for (var x = 0u; x < tileSide; x++) {
    var line: OutputLine;
    for (var y = 0u; y < outputSide; y++) {
      line[y] = rows[y][x];
    }
    let column = spreadOutput(line);
    for (var y = 0u; y < tileSide; y++) {
      output[(y * tileSide + x) * uniforms.size + element] = column[y];
    }
  }
}
