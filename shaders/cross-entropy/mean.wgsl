// cross-entropy mean: loss = total / count in a single invocation; NaN if nothing was counted, as in PyTorch. The result is
// written as bits (u32), because WGSL has no NaN of its own and leaves 0 / 0 to the implementation.

@compute @workgroup_size(1)
fn main() {
  let isEmpty = count[0] == 0.0;
  let mean = total[0] / select(count[0], 1.0, isEmpty);
  loss[0] = select(bitcast<u32>(mean), 0x7fc00000u, isEmpty);
}
