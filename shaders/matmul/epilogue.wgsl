// What happens to the results of an inner product before they are stored.

// The value that goes to output[position]; `biasIndex` is the result's place in the bias.
fn finish(value: f32, position: u32, biasIndex: u32) -> f32 {
  var result = value;
#if ${bias}
  result += bias[biasIndex];
#endif
#if ${accumulate}
  result += output[position];
#endif
  return result;
}
