// The inner product for adapters that run on the CPU and have subgroups: there a load is a gather with a bounds check for each
// lane, while lanes exchange values for nearly nothing. A workgroup is one subgroup of `subgroupSize` lanes. A lane loads
// four rows of left and passes them round, so that it computes 4 * subgroupSize rows x 4 columns of results from eight
// loads for each step of the depth. Segments without anything but zeros are skipped, as in inner-product-registers.wgsl.

enable subgroups;
// the loops depend on the workgroup's tile only, which the compiler cannot see
diagnostic(off, subgroup_uniformity);

const subgroupSize = ${subgroupSize}u;
const stride = vec4<u32>(0u, 1u, 2u, 3u);

@compute @workgroup_size(subgroupSize)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = tileOf(group, groups, 4u * subgroupSize, 4u * subgroupSize);
  if (tile.batch >= uniforms.batches) {
    return;
  }
  let rows = tile.row + stride;
  let columns = tile.column + lane + stride * subgroupSize;
  let left = leftRowsInside(rows + lane * 4u, tile.batch);
  let right = rightColumnsInside(columns, tile.batch);
  var sum0 = mat4x4<f32>();
  var sum1 = mat4x4<f32>();
  var sum2 = mat4x4<f32>();
  var sum3 = mat4x4<f32>();
#if ${eightLanes}
  var sum4 = mat4x4<f32>();
  var sum5 = mat4x4<f32>();
  var sum6 = mat4x4<f32>();
  var sum7 = mat4x4<f32>();
#endif

  var depth = tile.depthStart;
  while (depth < tile.depthEnd) {
    let number = depth / uniforms.segmentLength;
    let segment = segmentAt(number);
    let segmentStart = number * uniforms.segmentLength;
    let begin = depth - segmentStart;
    let end = min(uniforms.segmentLength, tile.depthEnd - segmentStart);
    depth = segmentStart + end;
    let leftHere = leftSegment(left, segment);
    if (subgroupAll(isEmpty(leftHere))) {
      continue;
    }
    let rightHere = rightSegment(right, segment);
    for (var d = begin; d < end; d++) {
      let a = loadLeft(leftHere, d);
      let b = loadRight(rightHere, d);
      sum0 = addOuterProduct(sum0, subgroupShuffle(a, 0u), b);
      sum1 = addOuterProduct(sum1, subgroupShuffle(a, 1u), b);
      sum2 = addOuterProduct(sum2, subgroupShuffle(a, 2u), b);
      sum3 = addOuterProduct(sum3, subgroupShuffle(a, 3u), b);
#if ${eightLanes}
      sum4 = addOuterProduct(sum4, subgroupShuffle(a, 4u), b);
      sum5 = addOuterProduct(sum5, subgroupShuffle(a, 5u), b);
      sum6 = addOuterProduct(sum6, subgroupShuffle(a, 6u), b);
      sum7 = addOuterProduct(sum7, subgroupShuffle(a, 7u), b);
#endif
    }
  }

  storeBlock(tile.batch, tile.split, rows, columns, sum0);
  storeBlock(tile.batch, tile.split, rows + 4u, columns, sum1);
  storeBlock(tile.batch, tile.split, rows + 8u, columns, sum2);
  storeBlock(tile.batch, tile.split, rows + 12u, columns, sum3);
#if ${eightLanes}
  storeBlock(tile.batch, tile.split, rows + 16u, columns, sum4);
  storeBlock(tile.batch, tile.split, rows + 20u, columns, sum5);
  storeBlock(tile.batch, tile.split, rows + 24u, columns, sum6);
  storeBlock(tile.batch, tile.split, rows + 28u, columns, sum7);
#endif
}
