// update scale: the end of a step with loss scaling, by the rule of PyTorch's GradScaler (torch.amp.grad_scaler). Where a gradient was
// not finite (guard[0]), the scale shrinks and the step counts as left out (guard[2]); after growthInterval steps in a row
// without one (guard[1]), it grows, unless it would become infinite. One invocation does it.

@compute @workgroup_size(1)
fn main() {
  if (guard[0] > 0u) {
    scale[0] = max(scale[0] * uniforms.backoffFactor, 1.1754944e-38); // the least number whose inverse is finite
    guard[1] = 0u;
    guard[2] += 1u;
  } else {
    guard[1] += 1u;
    if (guard[1] >= uniforms.growthInterval) {
      let grown = scale[0] * uniforms.growthFactor;
      scale[0] = select(grown, scale[0], (bitcast<u32>(grown) & 0x7f800000u) == 0x7f800000u);
      guard[1] = 0u;
    }
  }
  guard[0] = 0u;
}
