// One pooling window along one dimension: the inputs [x, y) that it covers, and in z how many places it counts: those of
// the padding too if countPadding is 1, but never those beyond the padding at the end (PyTorch's rule).

fn windowAlong(number: u32, kernel: u32, stride: u32, padding: u32, length: u32) -> vec3<u32> {
  let start = number * stride; // counted from the beginning of the padding
  let end = min(start + kernel, length + 2u * padding);
  let first = max(start, padding) - padding;
  let last = min(max(end, padding) - padding, length);
  return vec3<u32>(first, last, select(last - first, end - start, uniforms.countPadding == 1u));
}
