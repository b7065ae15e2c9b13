// Tiles of Winograd's algorithm: an image is covered with tiles of outputSide x outputSide output pixels, numbered row by
// row, image by image. `Value` is one channel or four neighbours; `channels` counts such values, and so do all arrays.

alias Tile = array<TileLine, tileSide>;

struct TilePlace {
  image: u32,
  // the tile's first output pixel
  y: u32,
  x: u32,
  channel: u32,
}

// The place of an element of [tiles, channels].
fn tilePlace(element: u32, channels: u32) -> TilePlace {
  let tile = element / channels;
  let row = tile / uniforms.tilesInRow;
  let image = row / uniforms.tilesInColumn;
  return TilePlace(
    image,
    (row - image * uniforms.tilesInColumn) * outputSide,
    (tile - row * uniforms.tilesInRow) * outputSide,
    element - tile * channels,
  );
}
