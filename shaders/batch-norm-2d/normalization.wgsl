// What batch norm computes for a channel: (input - mean) * scale + bias, with scale = weight / sqrt(variance + eps). The
// mean is subtracted first: folding it into the bias would lose digits where the mean is large against the deviation.
// All kernels compute it with these functions and an explicit fma, so that the backward pass finds the same signs as the
// forward pass did.

fn inverseDeviation(variance: Value, eps: f32) -> Value {
  return 1.0 / sqrt(variance + eps);
}

fn normalized(input: Value, mean: Value, scale: Value, bias: Value) -> Value {
  return fma(input - mean, scale, bias);
}

// The gradient behind a ReLU of these outputs. A comparison that NaN fails: a diverged network stays visible.
fn masked(gradient: Value, output: Value) -> Value {
  return select(gradient, Value(), output <= Value());
}
