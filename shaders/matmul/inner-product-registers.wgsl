// The inner product for adapters that run on the CPU, where a barrier is dear and shared memory is no faster than any
// other: one invocation computes 8 x 8 results and reads left and right where they are. Its rows are tileHeight apart
// and its columns tileWidth, so that neighbouring invocations read neighbouring elements. Segments without anything but
// zeros (padding, and the gaps between the pixels of a strided convolution's gradient) are skipped.

const stride = vec4<u32>(0u, 1u, 2u, 3u);

@compute @workgroup_size(${tileWidth}, ${tileHeight})
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
) {
  let tile = tileOf(group, groups, 8u * ${tileHeight}u, 8u * ${tileWidth}u);
  if (tile.batch >= uniforms.batches) {
    return;
  }
  let rows0 = tile.row + local.y + stride * ${tileHeight}u;
  let rows1 = rows0 + 4u * ${tileHeight}u;
  let columns0 = tile.column + local.x + stride * ${tileWidth}u;
  let columns1 = columns0 + 4u * ${tileWidth}u;
  let left0 = leftRowsInside(rows0, tile.batch);
  let left1 = leftRowsInside(rows1, tile.batch);
  let right0 = rightColumnsInside(columns0, tile.batch);
  let right1 = rightColumnsInside(columns1, tile.batch);
  var sum00 = mat4x4<f32>();
  var sum01 = mat4x4<f32>();
  var sum10 = mat4x4<f32>();
  var sum11 = mat4x4<f32>();

  var depth = tile.depthStart;
  while (depth < tile.depthEnd) {
    let number = depth / uniforms.segmentLength;
    let segment = segmentAt(number);
    let segmentStart = number * uniforms.segmentLength;
    let begin = depth - segmentStart;
    let end = min(uniforms.segmentLength, tile.depthEnd - segmentStart);
    depth = segmentStart + end;
    let leftSegment0 = leftSegment(left0, segment);
    let leftSegment1 = leftSegment(left1, segment);
    if (isEmpty(leftSegment0) && isEmpty(leftSegment1)) {
      continue;
    }
    let rightSegment0 = rightSegment(right0, segment);
    let rightSegment1 = rightSegment(right1, segment);
    for (var d = begin; d < end; d++) {
      let a0 = loadLeft(leftSegment0, d);
      let a1 = loadLeft(leftSegment1, d);
      let b0 = loadRight(rightSegment0, d);
      let b1 = loadRight(rightSegment1, d);
      sum00 = addOuterProduct(sum00, a0, b0);
      sum01 = addOuterProduct(sum01, a0, b1);
      sum10 = addOuterProduct(sum10, a1, b0);
      sum11 = addOuterProduct(sum11, a1, b1);
    }
  }

  // a loop, so that drivers compile this code once; see inner-product-subgroups.wgsl
  let end = min(tile.row + 8u * ${tileHeight}u, uniforms.rows);
  for (var row = rows0.x; row < end; row += 4u * ${tileHeight}u) {
    storeBlock(tile.batch, tile.split, row, ${tileHeight}u, columns0, sum00);
    storeBlock(tile.batch, tile.split, row, ${tileHeight}u, columns1, sum01);
    sum00 = sum10;
    sum01 = sum11;
  }
}
