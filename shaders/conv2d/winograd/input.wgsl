// Winograd, the input's transform: output[i, tile, channel] = element i (row by row) of B^T d B, where d are the input
// pixels that the tile sees of one channel; pixels outside of the image are zero. See conv2d/winograd/transforms.wgsl.
// One invocation computes one tile of one channel, or of four. input is [N, H, W, C], output [tileSide^2, tiles, C].

#include "common/linear-index.wgsl"
#include "common/value.wgsl"
#include "conv2d/winograd/transforms.wgsl"
#include "conv2d/winograd/tiles.wgsl"

fn pixel(place: TilePlace, y: u32, x: u32) -> Value {
  // a coordinate left of or above the image wraps around and is huge
  let inside = y < uniforms.height && x < uniforms.width;
  let position = ((place.image * uniforms.height + y) * uniforms.width + x) * uniforms.channels + place.channel;
  return select(Value(), Value(input[select(0u, uniforms.inputOffset + position, inside)]), inside);
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
  let top = place.y - uniforms.paddingHeight;
  let left = place.x - uniforms.paddingWidth;
  var rows: Tile;
  for (var y = 0u; y < tileSide; y++) {
    var line: TileLine;
    for (var x = 0u; x < tileSide; x++) {
      line[x] = pixel(place, top + y, left + x);
    }
    rows[y] = transformInput(line);
  }
  for (var x = 0u; x < tileSide; x++) {
    var line: TileLine;
    for (var y = 0u; y < tileSide; y++) {
      line[y] = rows[y][x];
    }
    let column = transformInput(line);
    for (var y = 0u; y < tileSide; y++) {
      output[(y * tileSide + x) * uniforms.size + element] = column[y];
    }
  }
}
