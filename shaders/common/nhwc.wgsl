// Positions in channels-last images: element ((n * height + h) * width + w) * channels + c of a [N, H, W, C] array.

struct ImagePosition {
  n: u32,
  h: u32,
  w: u32,
  c: u32,
}

fn imagePosition(i: u32, height: u32, width: u32, channels: u32) -> ImagePosition {
  let pixel = i / channels;
  let row = pixel / width;
  return ImagePosition(row / height, row % height, pixel % width, i % channels);
}

fn imageIndex(position: ImagePosition, height: u32, width: u32, channels: u32) -> u32 {
  return ((position.n * height + position.h) * width + position.w) * channels + position.c;
}
