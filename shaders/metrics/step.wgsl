// What the metrics of one step are, added to running totals. One workgroup does the whole step.
//   totals[0] correct rows   totals[1] rows   totals[2] sum of loss * rows (f32 bits)
//   totals[3] the first step (counted from 1) whose loss is not finite, 0 if there is none
//   totals[4 + step] the loss of each step (f32 bits)
// Non-finite values are found by their bits: WGSL may assume that comparisons never see NaN.

// Whether the first maximum of a row of logits [rows, classes] is its target.
fn isCorrect(row: u32) -> bool {
  let start = row * uniforms.classes;
  var best = 0u;
  var maximum = logits[start];
  for (var column = 1u; column < uniforms.classes; column++) {
    let value = logits[start + column];
    if (value > maximum) {
      maximum = value;
      best = column;
    }
  }
  return i32(best) == targets[row];
}

// For one invocation; the mean loss as f32 bits.
fn addStep(correct: u32, lossBits: u32) {
  totals[0] += correct;
  totals[1] += uniforms.rows;
  totals[2] = bitcast<u32>(bitcast<f32>(totals[2]) + bitcast<f32>(lossBits) * f32(uniforms.rows));
  let finite = (lossBits & 0x7f800000u) != 0x7f800000u;
  if (!finite && totals[3] == 0u) {
    totals[3] = uniforms.step + 1u;
  }
  totals[4u + uniforms.step] = lossBits;
}
