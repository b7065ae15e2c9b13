// Counter-based random numbers: Philox4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011). Four random words are a function of a seed, a stream and the number of the block, so they depend
// neither on the workgroups nor on the order in which they run. Integers only: every device gives the same bits.

// The upper word of a * b, which WGSL does not have: from the products of the 16-bit halves.
fn multiplyHigh(a: u32, b: u32) -> u32 {
  let lowProduct = (a & 0xffffu) * (b & 0xffffu);
  let middle = (a >> 16u) * (b & 0xffffu) + (lowProduct >> 16u);
  let otherMiddle = (a & 0xffffu) * (b >> 16u) + (middle & 0xffffu);
  return (a >> 16u) * (b >> 16u) + (middle >> 16u) + (otherMiddle >> 16u);
}

fn philox4x32(start: vec4<u32>, startKey: vec2<u32>) -> vec4<u32> {
  var counter = start;
  var key = startKey;
  for (var round = 0u; round < 10u; round++) {
    counter = vec4<u32>(
      multiplyHigh(0xcd9e8d57u, counter.z) ^ counter.y ^ key.x,
      0xcd9e8d57u * counter.z,
      multiplyHigh(0xd2511f53u, counter.x) ^ counter.w ^ key.y,
      0xd2511f53u * counter.x,
    );
    key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return counter;
}

// Block `block` of a stream. The second counter word is 1, which keeps the numbers of kernels apart from those that the
// data loader shuffles with (src/data/random.ts), where it is 0.
fn randomWords(seed: u32, stream: u32, block: u32) -> vec4<u32> {
  return philox4x32(vec4<u32>(block, 1u, stream, 0u), vec2<u32>(seed, 0u));
}

// A multiple of 2^-24 in [0, 1), exact in f32.
fn unitInterval(word: u32) -> f32 {
  return f32(word >> 8u) * 5.9604644775390625e-8;
}
