// The inner product for GPUs: a workgroup copies a slice of left and of right, `tileDepth` deep, into shared memory, so that
// each element is read from global memory once per tile instead of once per result; one invocation computes 4 x 4, 8 x 4 or
// 8 x 8 results in registers. (V. Volkov, J. Demmel, "Benchmarking GPUs to tune dense linear algebra", 2008.) While a slice is
// being multiplied, the next one is on its way into registers; two copies of shared memory take turns, so that one barrier
// per slice is enough.
//
// An invocation copies at most one quad of each operand: four rows at one depth, or, where the operand is an array of
// vectors (leftVectors) along the depth (leftAlongDepth), four depths of one row. Either way neighbouring invocations copy
// neighbouring elements. An invocation computes rows 4 i to 4 i + 3, and tileHeight * 4 further down the next four.

const tileWidth = ${tileWidth}u;
const tileHeight = ${tileHeight}u;
const tileDepth = ${tileDepth}u;

// vectors of four rows (columns) in a tile
const rowVectors = tileHeight * ${rowsPerInvocation}u / 4u;
const columnVectors = tileWidth * ${columnsPerInvocation}u / 4u;

// [copy][depth][rows / 4] and [copy][depth][columns / 4]
var<workgroup> leftTile: array<vec4<f32>, 2u * tileDepth * rowVectors>;
var<workgroup> rightTile: array<vec4<f32>, 2u * tileDepth * columnVectors>;

// The place of a quad in a slice: its first line (row or column), and its first depth.
struct Quad {
  line: u32,
  depth: u32,
}

fn quadAlongDepth(index: u32) -> Quad {
  return Quad(index / (tileDepth / 4u), index % (tileDepth / 4u) * 4u);
}

fn quadAcrossDepth(index: u32, lineVectors: u32, alongDepth: bool) -> Quad {
  if (alongDepth) {
    return Quad(index / tileDepth * 4u, index % tileDepth);
  }
  return Quad(index % lineVectors * 4u, index / lineVectors);
}

// A place in the depth: absolute, and in its segment.
struct Cursor {
  depth: u32,
  segment: u32,
  inSegment: u32,
}

fn cursorAt(depth: u32) -> Cursor {
#if ${segmented}
  let segment = depth / uniforms.segmentLength;
  return Cursor(depth, segment, depth - segment * uniforms.segmentLength);
#else
  return Cursor(depth, 0u, depth);
#endif
}

fn nextSlice(cursor: Cursor) -> Cursor {
  var next = Cursor(cursor.depth + tileDepth, cursor.segment, cursor.inSegment + tileDepth);
#if ${segmented}
  while (next.inSegment >= uniforms.segmentLength) {
    next.inSegment -= uniforms.segmentLength;
    next.segment++;
  }
#endif
  return next;
}

// Four rows from `line` on; an operand that is copied as vectors only looks at the first.
fn leftQuadRows(line: u32, batch: u32) -> LeftRows {
#if ${leftVectors}
#if ${leftAlongDepth}
  return leftRowsInside(vec4<u32>(line), batch);
#else
  return leftRows(vec4<u32>(min(line, uniforms.rows - 4u)), batch);
#endif
#else
  return leftRowsInside(line + vec4<u32>(0u, 1u, 2u, 3u), batch);
#endif
}

fn rightQuadColumns(line: u32, batch: u32) -> RightColumns {
#if ${rightVectors}
#if ${rightAlongDepth}
  return rightColumnsInside(vec4<u32>(line), batch);
#else
  return rightColumns(vec4<u32>(min(line, uniforms.columns - 4u)), batch);
#endif
#else
  return rightColumnsInside(line + vec4<u32>(0u, 1u, 2u, 3u), batch);
#endif
}

fn storeLeft(copy: u32, quad: Quad, values: vec4<f32>) {
  let first = (copy * tileDepth + quad.depth) * rowVectors + quad.line / 4u;
#if ${leftTransposed}
  leftTile[first][quad.line % 4u] = values.x;
  leftTile[first + rowVectors][quad.line % 4u] = values.y;
  leftTile[first + 2u * rowVectors][quad.line % 4u] = values.z;
  leftTile[first + 3u * rowVectors][quad.line % 4u] = values.w;
#else
  leftTile[first] = values;
#endif
}

fn storeRight(copy: u32, quad: Quad, values: vec4<f32>) {
  let first = (copy * tileDepth + quad.depth) * columnVectors + quad.line / 4u;
#if ${rightTransposed}
  rightTile[first][quad.line % 4u] = values.x;
  rightTile[first + columnVectors][quad.line % 4u] = values.y;
  rightTile[first + 2u * columnVectors][quad.line % 4u] = values.z;
  rightTile[first + 3u * columnVectors][quad.line % 4u] = values.w;
#else
  rightTile[first] = values;
#endif
}

@compute @workgroup_size(tileWidth, tileHeight)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_id) local: vec3<u32>,
  @builtin(local_invocation_index) index: u32,
) {
  let tile = tileOf(group, groups, 4u * rowVectors, 4u * columnVectors);
  if (tile.batch >= uniforms.batches) {
    return;
  }
#if ${leftTransposed}
  let leftQuad = quadAlongDepth(index);
#else
  let leftQuad = quadAcrossDepth(index, rowVectors, ${leftAlongDepth});
#endif
#if ${rightTransposed}
  let rightQuad = quadAlongDepth(index);
#else
  let rightQuad = quadAcrossDepth(index, columnVectors, ${rightAlongDepth});
#endif
  let copiesLeft = index < rowVectors * tileDepth;
  let copiesRight = index < columnVectors * tileDepth;
  let left = leftQuadRows(tile.row + leftQuad.line, tile.batch);
  let right = rightQuadColumns(tile.column + rightQuad.line, tile.batch);
  var leftCursor = cursorAt(tile.depthStart + leftQuad.depth);
  var rightCursor = cursorAt(tile.depthStart + rightQuad.depth);
  var leftValues = vec4<f32>();
  var rightValues = vec4<f32>();
  if (copiesLeft && leftCursor.depth < tile.depthEnd) {
    leftValues = loadLeft(leftSegment(left, leftCursor.segment), leftCursor.inSegment);
  }
  if (copiesRight && rightCursor.depth < tile.depthEnd) {
    rightValues = loadRight(rightSegment(right, rightCursor.segment), rightCursor.inSegment);
  }
  var sum00 = mat4x4<f32>();
#if ${eightColumns}
  var sum01 = mat4x4<f32>();
#endif
#if ${eightRows}
  var sum10 = mat4x4<f32>();
#if ${eightColumns}
  var sum11 = mat4x4<f32>();
#endif
#endif

  var copy = 0u;
  for (var start = tile.depthStart; start < tile.depthEnd; start += tileDepth) {
    if (copiesLeft) {
      storeLeft(copy, leftQuad, leftValues);
    }
    if (copiesRight) {
      storeRight(copy, rightQuad, rightValues);
    }
    workgroupBarrier();
    leftCursor = nextSlice(leftCursor);
    rightCursor = nextSlice(rightCursor);
    leftValues = vec4<f32>();
    rightValues = vec4<f32>();
    if (copiesLeft && leftCursor.depth < tile.depthEnd) {
      leftValues = loadLeft(leftSegment(left, leftCursor.segment), leftCursor.inSegment);
    }
    if (copiesRight && rightCursor.depth < tile.depthEnd) {
      rightValues = loadRight(rightSegment(right, rightCursor.segment), rightCursor.inSegment);
    }
    for (var depth = 0u; depth < tileDepth; depth++) {
      let row = (copy * tileDepth + depth) * rowVectors + local.y;
      let column = (copy * tileDepth + depth) * columnVectors + local.x;
      let a0 = leftTile[row];
      let b0 = rightTile[column];
      sum00 = addOuterProduct(sum00, a0, b0);
#if ${eightColumns}
      let b1 = rightTile[column + tileWidth];
      sum01 = addOuterProduct(sum01, a0, b1);
#endif
#if ${eightRows}
      let a1 = leftTile[row + tileHeight];
      sum10 = addOuterProduct(sum10, a1, b0);
#if ${eightColumns}
      sum11 = addOuterProduct(sum11, a1, b1);
#endif
#endif
    }
    copy = 1u - copy;
  }

  let row = tile.row + local.y * 4u;
  let column = tile.column + local.x * 4u;
  storeSquare(tile, row, column, sum00);
#if ${eightColumns}
  storeSquare(tile, row, column + 4u * tileWidth, sum01);
#endif
#if ${eightRows}
  storeSquare(tile, row + 4u * tileHeight, column, sum10);
#if ${eightColumns}
  storeSquare(tile, row + 4u * tileHeight, column + 4u * tileWidth, sum11);
#endif
#endif
}
