// The sum of one value of each invocation of a workgroup, for every one of them. A tree in a fixed order: the same values
// give the same bits. Has to be called in uniform control flow; any workgroup size will do.

var<workgroup> workgroupTerms: array<f32, ${workgroupSize}>;

fn workgroupSum(value: f32, local: u32) -> f32 {
  workgroupTerms[local] = value;
  for (var width = ${workgroupSize}u; width > 1u; width = (width + 1u) / 2u) {
    workgroupBarrier();
    let upper = local + (width + 1u) / 2u;
    if (upper < width) {
      workgroupTerms[local] += workgroupTerms[upper];
    }
  }
  workgroupBarrier();
  return workgroupTerms[0];
}
