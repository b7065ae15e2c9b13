// Which pooling windows cover a place: the range [x, y) of windows along one dimension. `place` counts from the beginning
// of the padding, `reach` is the distance from the first to the last place of a window, `count` the number of windows.

fn windowsOver(place: u32, reach: u32, stride: u32, count: u32) -> vec2<u32> {
  let first = select(0u, (place - reach + stride - 1u) / stride, place > reach);
  return vec2<u32>(first, min(count, place / stride + 1u));
}
