// What happens to the results of an inner product before they are stored: relu((value + output) * scale + bias +
// residual), each part only where the template says so. See src/kernels/matmul/epilogue.ts. `Value` is f32, or vec4<f32>
// where all arrays are arrays of vec4<f32>.

// The value that goes to output[position]; `column` is the result's place in scale and bias.
fn finish(value: Value, position: u32, column: u32) -> Value {
  var result = value;
#if ${accumulate}
  result += Value(output[position]);
#endif
#if ${scale}
  result *= Value(scale[column]);
#endif
#if ${bias}
  result += Value(bias[column]);
#endif
#if ${residual}
  result += Value(residual[position]);
#endif
#if ${relu}
  // a comparison, not max(), so that NaN stays NaN
  result = select(result, Value(), result <= Value());
#endif
  return result;
}
