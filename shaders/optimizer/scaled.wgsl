// A gradient without the scale that loss scaling has given it.

fn scaled(gradient: Value) -> Value {
#if ${guarded}
  return gradient * bitcast<f32>(guard[3]);
#else
  return gradient;
#endif
}
