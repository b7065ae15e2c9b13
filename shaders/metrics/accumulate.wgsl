// Metrics of one training or evaluation step, whose loss is known, added to running totals; see step.wgsl.
// The invocations of one workgroup share out the rows, a tree in shared memory counts the correct ones, then one invocation
// updates the totals.

#include "metrics/step.wgsl"

const workgroupSize = ${workgroupSize}u;

var<workgroup> counts: array<u32, workgroupSize>;

@compute @workgroup_size(workgroupSize)
fn main(@builtin(local_invocation_index) local: u32) {
  var correct = 0u;
  for (var row = local; row < uniforms.rows; row += workgroupSize) {
    correct += select(0u, 1u, isCorrect(row));
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
    addStep(counts[0], bitcast<u32>(loss[0]));
  }
}
