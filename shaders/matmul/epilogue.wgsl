// What happens to the results of an inner product before they are stored: relu((value + output) * scale + bias +
// residual), each part only where the template says so; relu where a uniform does, which is as fast, and one pipeline fewer to
// compile. See src/kernels/matmul/epilogue.ts. `Value` is f32, or vec4<f32> where all arrays are arrays of vec4<f32>.

// What all results of a column have in common.
struct ColumnTerms {
  scale: Value,
  bias: Value,
}

// Of the column at a place in scale and bias.
fn columnTerms(column: u32) -> ColumnTerms {
  var terms: ColumnTerms;
#if ${scale}
  terms.scale = Value(scale[column]);
#endif
#if ${bias}
  terms.bias = Value(bias[column]);
#endif
  return terms;
}

// The value that goes to output[position].
fn finish(value: Value, position: u32, terms: ColumnTerms) -> Value {
  var result = value;
#if ${accumulate}
  result += Value(output[position]);
#endif
#if ${scale}
  result *= terms.scale;
#endif
#if ${bias}
  result += terms.bias;
#endif
#if ${residual}
  result += Value(residual[position]);
#endif
  // a comparison, not max(), so that NaN stays NaN
  return select(result, Value(), (result <= Value()) & Flag(uniforms.relu != 0u));
}
