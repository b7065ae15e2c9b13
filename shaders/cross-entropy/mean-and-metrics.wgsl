// cross-entropy mean, as in mean.wgsl, from the losses of rows [rows] and which of them count (1 or 0); and the step's metrics,
// added to running totals: see metrics/step.wgsl. The number of rows that count goes to `count`.
// The invocations of one workgroup share out the rows, a tree in shared memory joins their sums, then one invocation writes
// the results.

#include "metrics/step.wgsl"

const workgroupSize = ${workgroupSize}u;

struct Sums {
  loss: f32,
  counted: f32,
  correct: u32,
}

var<workgroup> sums: array<Sums, workgroupSize>;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(local_invocation_index) local: u32) {
  var sum = Sums();
  for (var row = local; row < uniforms.rows; row += workgroupSize) {
    sum.loss += losses[row];
    sum.counted += counted[row];
    sum.correct += select(0u, 1u, isCorrect(row));
  }
  sums[local] = sum;
  workgroupBarrier();
  for (var half = workgroupSize / 2u; half > 0u; half /= 2u) {
    if (local < half) {
      let other = sums[local + half];
      sums[local].loss += other.loss;
      sums[local].counted += other.counted;
      sums[local].correct += other.correct;
    }
    workgroupBarrier();
  }
  if (local == 0u) {
    let total = sums[0];
    // the result is written as bits: WGSL has no NaN of its own
    let isEmpty = total.counted == 0.0;
    let mean = total.loss / select(total.counted, 1.0, isEmpty);
    let bits = select(bitcast<u32>(mean), 0x7fc00000u, isEmpty);
    loss[0] = bits;
    count[0] = total.counted;
    addStep(total.correct, bits);
  }
}
