// The inner product for GPUs: a workgroup copies a slice of left and of right, `tileDepth` deep, into shared memory, so
// that each element is read from global memory once per tile instead of once per result; one invocation computes 4 x 4
// results. Its rows are tileHeight apart and its columns tileWidth, so that neighbouring invocations read and write
// neighbouring elements. (V. Volkov, J. Demmel, "Benchmarking GPUs to tune dense linear algebra", 2008.)
//
// Which invocation copies what depends on how the operand lies in memory: neighbours copy neighbouring elements.

const tileWidth = ${tileWidth}u;
const tileHeight = ${tileHeight}u;
const tileDepth = ${tileDepth}u;
const stride = vec4<u32>(0u, 1u, 2u, 3u);

// [depth][invocation row]: the four rows of an invocation; [depth][invocation column]: its four columns
var<workgroup> leftTile: array<vec4<f32>, tileDepth * tileHeight>;
var<workgroup> rightTile: array<vec4<f32>, tileDepth * tileWidth>;

struct PlaceInDepth {
  segment: u32,
  depth: u32,
}

fn placeInDepth(depth: u32) -> PlaceInDepth {
#if ${segmented}
  let segment = depth / uniforms.segmentLength;
  return PlaceInDepth(segment, depth - segment * uniforms.segmentLength);
#else
  return PlaceInDepth(0u, depth);
#endif
}

@compute @workgroup_size(tileWidth, tileHeight)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let tile = tileOf(group, groups, 4u * tileHeight, 4u * tileWidth);
  if (tile.batch >= uniforms.batches) {
    return;
  }
#if ${leftAlongDepth}
  let leftSlot = local.y;
  let leftDepth = local.x;
#else
  let leftSlot = index % tileHeight;
  let leftDepth = index / tileHeight;
#endif
#if ${rightAlongDepth}
  let rightSlot = index / tileHeight;
  let rightDepth = index % tileHeight;
#else
  let rightSlot = local.x;
  let rightDepth = local.y;
#endif
  let left = leftRowsInside(tile.row + leftSlot + stride * tileHeight, tile.batch);
  let right = rightColumnsInside(tile.column + rightSlot + stride * tileWidth, tile.batch);
  var sum = mat4x4<f32>();

  for (var start = tile.depthStart; start < tile.depthEnd; start += tileDepth) {
    let count = min(tileDepth, tile.depthEnd - start);
    for (var d = leftDepth; d < count; d += tileWidth) {
      let place = placeInDepth(start + d);
      leftTile[d * tileHeight + leftSlot] = loadLeft(leftSegment(left, place.segment), place.depth);
    }
    for (var d = rightDepth; d < count; d += tileHeight) {
      let place = placeInDepth(start + d);
      rightTile[d * tileWidth + rightSlot] = loadRight(rightSegment(right, place.segment), place.depth);
    }
    workgroupBarrier();
    for (var d = 0u; d < count; d++) {
      sum = addOuterProduct(sum, leftTile[d * tileHeight + local.y], rightTile[d * tileWidth + local.x]);
    }
    workgroupBarrier();
  }

  let rows = tile.row + local.y + stride * tileHeight;
  let columns = tile.column + local.x + stride * tileWidth;
  storeBlock(tile.batch, tile.split, rows, columns, sum);
}
