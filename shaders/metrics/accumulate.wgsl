// Metrics of one training or evaluation step, added to running totals.
//
// One workgroup does the whole step: its invocations share out the rows of logits [rows, classes], find each row's first
// maximum, and a tree in shared memory counts the rows whose maximum is the target. Then one invocation updates
//   totals[0] correct rows   totals[1] rows   totals[2] sum of loss * rows (f32 bits)
//   totals[3] the first step (counted from 1) whose loss is not finite, 0 if there is none
//   totals[4 + step] the loss of each step (f32 bits)
// Non-finite values are found by their bits: WGSL may assume that comparisons never see NaN.

const workgroupSize = ${workgroupSize}u;

var<workgroup> counts: array<u32, workgroupSize>;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(local_invocation_index) local: u32) {
  var correct = 0u;
  for (var row = local; row < uniforms.rows; row += workgroupSize) {
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
    correct += select(0u, 1u, i32(best) == targets[row]);
  }
  counts[local] = correct;
  workgroupBarrier();
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      counts[local] += counts[local + half];
    }
    workgroupBarrier();
  }
  if (local == 0u) {
    let value = loss[0];
    totals[0] += counts[0];
    totals[1] += uniforms.rows;
    totals[2] = bitcast<u32>(bitcast<f32>(totals[2]) + value * f32(uniforms.rows));
    let finite = (bitcast<u32>(value) & 0x7f800000u) != 0x7f800000u;
    if (!finite && totals[3] == 0u) {
      totals[3] = uniforms.step + 1u;
    }
    totals[4u + uniforms.step] = bitcast<u32>(value);
  }
}
