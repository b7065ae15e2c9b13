// What happens to the results of an inner product before they are stored: relu((value + output) * scale + bias +
// residual), each part only where the template says so. See src/kernels/matmul/epilogue.ts.

// The value that goes to output[position]; `column` is the result's place in scale and bias.
fn finish(value: f32, position: u32, column: u32) -> f32 {
  var result = value;
#if ${accumulate}
  result += output[position];
#endif
#if ${scale}
  result *= scale[column];
#endif
#if ${bias}
  result += bias[column];
#endif
#if ${residual}
  result += residual[position];
#endif
#if ${relu}
  // a comparison, not max(), so that NaN stays NaN
  result = select(result, 0.0, result <= 0.0);
#endif
  return result;
}
