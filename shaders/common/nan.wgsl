// NaN by its bits, and functions that keep it: WGSL may assume that NaN never occurs, and SwiftShader's exp(NaN) is
// infinite, its log(NaN) 89.

fn isNan(value: f32) -> bool {
  return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}

fn expOrNan(value: f32) -> f32 {
  return select(exp(value), value, isNan(value));
}

fn logOrNan(value: f32) -> f32 {
  return select(log(value), value, isNan(value));
}
