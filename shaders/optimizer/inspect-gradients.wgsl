// inspect gradients, a part of loss scaling: guard[0] = 1 where one of the sums of squares of all gradients is not finite, because
// then a gradient is not; factor[0] = 1 / scale[0], which undoes the scaling; guard[3] has its bits, or those of 1 where
// somebody else undoes it (unscaled).
// One workgroup; an invocation looks at every `workgroupSize`-th sum.

const workgroupSize = ${workgroupSize}u;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(local_invocation_index) local: u32) {
  for (var i = local; i < uniforms.count; i += workgroupSize) {
    // by the bits: WGSL may assume that a number is finite
    if ((partials[i] & 0x7f800000u) == 0x7f800000u) {
      atomicMax(&guard[0], 1u);
    }
  }
  if (local == 0u) {
    let inverse = 1.0 / scale[0];
    factor[0] = inverse;
    atomicStore(&guard[3], bitcast<u32>(select(inverse, 1.0, uniforms.unscaled == 1u)));
  }
}
