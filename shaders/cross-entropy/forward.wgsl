// cross-entropy forward: the loss of each row of logits f32 [rows, classes] against its target, a class number.
//   loss = -(1 - s) * z[target] - s * mean(z) + log(sum exp z),  z = logits - m,  m the row's maximum, s labelSmoothing
// which is PyTorch's definition: the target distribution is 1 - s at the target plus s / classes everywhere. Rows whose
// target is ignoreIndex have loss 0 and are not counted. `lanes` invocations work on one row; trees in shared memory join
// them. The backward pass reads statistics[row] = (m, log(sum exp z)); kept apart, they stay exact for large logits.
//
// A target that is no class is reported: its position + 1 goes into the fault buffer (src/device/faults.ts).

#include "common/linear-index.wgsl"
#include "common/nan.wgsl"

const lanes = ${lanes}u;
const workgroupSize = ${workgroupSize}u;
const lowest = -3.4028234663852886e38;

// In the second half of the kernel x is sum exp z and y is sum z.
var<workgroup> partial: array<vec2<f32>, workgroupSize>;

@compute @workgroup_size(workgroupSize)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let lane = local % lanes;
  let first = local - lane;
  let row = linearIndex(group, groups, local, workgroupSize) / lanes;
  let start = row * uniforms.classes;
  let isUsed = row < uniforms.rows;
  let classes = select(0u, uniforms.classes, isUsed); // no early return: barriers follow

  var maximum = lowest;
  for (var i = lane; i < classes; i += lanes) {
    let value = input[start + i];
    maximum = select(maximum, value, value > maximum);
  }
  partial[local] = vec2<f32>(maximum, 0.0);
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[local] = max(partial[local], partial[local + half]);
    }
    workgroupBarrier();
  }
  maximum = partial[first].x;
  workgroupBarrier();

  var sums = vec2<f32>(0.0, 0.0);
  for (var i = lane; i < classes; i += lanes) {
    let z = input[start + i] - maximum;
    sums += vec2<f32>(expOrNan(z), z);
  }
  partial[local] = sums;
  workgroupBarrier();
  for (var half = lanes / 2u; half > 0u; half /= 2u) {
    if (lane < half) {
      partial[local] += partial[local + half];
    }
    workgroupBarrier();
  }
  if (!isUsed || lane != 0u) {
    return;
  }

  sums = partial[first];
  let logSum = logOrNan(sums.x);
  statistics[row] = vec2<f32>(maximum, logSum);
  let label = targets[row];
  let isClass = label >= 0 && label < i32(classes);
  let isIgnored = label == uniforms.ignoreIndex;
  var loss = 0.0;
  if (isClass && !isIgnored) {
    loss = logSum - (1.0 - uniforms.labelSmoothing) * (input[start + u32(label)] - maximum);
    if (uniforms.labelSmoothing > 0.0) { // 0 times an infinite sum would be NaN
      loss -= uniforms.labelSmoothing * sums.y / f32(classes);
    }
  }
  losses[row] = loss;
  counted[row] = select(1.0, 0.0, isIgnored);
  if (!isClass && !isIgnored) {
    atomicMax(&faults[uniforms.faultSlot], uniforms.firstRow + row + 1u);
  }
}
