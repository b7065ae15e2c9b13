// The inner product for GPUs: a workgroup copies a slice of left and of right, `tileDepth` deep, into shared memory, so that
// each element is read from global memory once per tile instead of once per result; one invocation computes 4 x 4, 8 x 4 or
// 8 x 8 results in registers. (V. Volkov, J. Demmel, "Benchmarking GPUs to tune dense linear algebra", 2008.) While a slice is
// multiplied, the next one is on its way into registers.
//
// Operands are copied in quads: four rows at one depth, or, where the operand is an array of vectors (leftVectors) along the
// depth (leftAlongDepth), four depths of one row. Either way neighbouring invocations copy neighbouring elements. An
// invocation computes rows 4 i to 4 i + 3, and 4 * tileHeight further down the next four.
//
// The form of this file follows what compilers for AMD's GPUs make of it (npm run bench:isa, docs/performance.md): loops over
// a slice have constant lengths, so that indices of shared memory need no clamps; what lies outside is replaced by select(),
// because the compiler waits for loads at the end of every branch.

const tileWidth = ${tileWidth}u;
const tileHeight = ${tileHeight}u;
const tileDepth = ${tileDepth}u;
const invocations = tileWidth * tileHeight;

// vectors of four rows (columns) in a tile
const rowVectors = tileHeight * ${rowsPerInvocation}u / 4u;
const columnVectors = tileWidth * ${columnsPerInvocation}u / 4u;
// quads that an invocation copies
const leftQuads = rowVectors * tileDepth;
const rightQuads = columnVectors * tileDepth;
const leftLoads = (leftQuads + invocations - 1u) / invocations;
const rightLoads = (rightQuads + invocations - 1u) / invocations;

// [depth][rows / 4] and [depth][columns / 4]
var<workgroup> leftTile: array<vec4<f32>, leftQuads>;
var<workgroup> rightTile: array<vec4<f32>, rightQuads>;

// A quad of an operand: its first line (row or column) of the tile, its first depth of the slice.
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

fn leftQuad(index: u32) -> Quad {
#if ${leftTransposed}
  return quadAlongDepth(index);
#else
  return quadAcrossDepth(index, rowVectors, ${leftAlongDepth});
#endif
}

fn rightQuad(index: u32) -> Quad {
#if ${rightTransposed}
  return quadAlongDepth(index);
#else
  return quadAcrossDepth(index, columnVectors, ${rightAlongDepth});
#endif
}

// A place in the depth: absolute, and in its segment.
struct Cursor {
  depth: u32,
  segment: vec2<u32>,
  inSegment: u32,
}

fn cursorAt(depth: u32) -> Cursor {
#if ${segmented}
  let segment = depth / uniforms.segmentLength;
  return Cursor(depth, segmentAt(segment), depth - segment * uniforms.segmentLength);
#else
  return Cursor(depth, vec2<u32>(0u), depth);
#endif
}

fn advance(cursor: Cursor, step: u32) -> Cursor {
  var next = Cursor(cursor.depth + step, cursor.segment, cursor.inSegment + step);
#if ${segmented}
  while (next.inSegment >= uniforms.segmentLength) {
    next.inSegment -= uniforms.segmentLength;
    next.segment = nextSegment(next.segment);
  }
#endif
  return next;
}

// The cursor of a quad from that of its slice, which is the same for all invocations.
fn quadCursor(slice: Cursor, quad: Quad) -> Cursor {
#if ${slicesInSegments}
  return Cursor(slice.depth + quad.depth, slice.segment, slice.inSegment + quad.depth);
#else
  return advance(slice, quad.depth);
#endif
}

// Four rows from `line` on; of an operand that is copied in vectors only the first is looked at.
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

// Zeros in place of what lies beyond the depth.
fn insideDepth(values: vec4<f32>, depth: u32, end: u32) -> vec4<f32> {
#if ${wholeSlices}
  return values;
#else
  return select(vec4<f32>(), values, depth < end);
#endif
}

fn storeLeft(index: u32, values: vec4<f32>) {
  if (leftQuads % invocations != 0u && index >= leftQuads) {
    return;
  }
  let quad = leftQuad(index);
  let first = quad.depth * rowVectors + quad.line / 4u;
#if ${leftTransposed}
  leftTile[first][quad.line % 4u] = values.x;
  leftTile[first + rowVectors][quad.line % 4u] = values.y;
  leftTile[first + 2u * rowVectors][quad.line % 4u] = values.z;
  leftTile[first + 3u * rowVectors][quad.line % 4u] = values.w;
#else
  leftTile[first] = values;
#endif
}

fn storeRight(index: u32, values: vec4<f32>) {
  if (rightQuads % invocations != 0u && index >= rightQuads) {
    return;
  }
  let quad = rightQuad(index);
  let first = quad.depth * columnVectors + quad.line / 4u;
#if ${rightTransposed}
  rightTile[first][quad.line % 4u] = values.x;
  rightTile[first + columnVectors][quad.line % 4u] = values.y;
  rightTile[first + 2u * columnVectors][quad.line % 4u] = values.z;
  rightTile[first + 3u * columnVectors][quad.line % 4u] = values.w;
#else
  rightTile[first] = values;
#endif
}

struct Slice {
  left: array<vec4<f32>, leftLoads>,
  right: array<vec4<f32>, rightLoads>,
}

// The rows and columns that an invocation copies.
struct Lines {
  left: array<LeftRows, leftLoads>,
  right: array<RightColumns, rightLoads>,
}

fn linesOf(tile: Tile, index: u32) -> Lines {
  var lines: Lines;
  for (var i = 0u; i < leftLoads; i++) {
    lines.left[i] = leftQuadRows(tile.row + leftQuad(index + i * invocations).line, tile.batch);
  }
  for (var i = 0u; i < rightLoads; i++) {
    lines.right[i] = rightQuadColumns(tile.column + rightQuad(index + i * invocations).line, tile.batch);
  }
  return lines;
}

fn load(lines: Lines, index: u32, slice: Cursor, end: u32) -> Slice {
  var loaded: Slice;
  for (var i = 0u; i < leftLoads; i++) {
    let cursor = quadCursor(slice, leftQuad(index + i * invocations));
    let values = loadLeft(leftSegment(lines.left[i], cursor.segment), cursor.inSegment);
    loaded.left[i] = insideDepth(values, cursor.depth, end);
  }
  for (var i = 0u; i < rightLoads; i++) {
    let cursor = quadCursor(slice, rightQuad(index + i * invocations));
    let values = loadRight(rightSegment(lines.right[i], cursor.segment), cursor.inSegment);
    loaded.right[i] = insideDepth(values, cursor.depth, end);
  }
  return loaded;
}

fn store(slice: Slice, index: u32) {
  for (var i = 0u; i < leftLoads; i++) {
    storeLeft(index + i * invocations, slice.left[i]);
  }
  for (var i = 0u; i < rightLoads; i++) {
    storeRight(index + i * invocations, slice.right[i]);
  }
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
  let lines = linesOf(tile, index);
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

  var slice = cursorAt(tile.depthStart);
  store(load(lines, index, slice, tile.depthEnd), index);
  workgroupBarrier();
  while (slice.depth < tile.depthEnd) {
    slice = advance(slice, tileDepth);
    let next = load(lines, index, slice, tile.depthEnd);
    for (var depth = 0u; depth < tileDepth; depth++) {
      let a0 = leftTile[depth * rowVectors + local.y];
      let b0 = rightTile[depth * columnVectors + local.x];
      sum00 = addOuterProduct(sum00, a0, b0);
#if ${eightColumns}
      let b1 = rightTile[depth * columnVectors + local.x + tileWidth];
      sum01 = addOuterProduct(sum01, a0, b1);
#endif
#if ${eightRows}
      let a1 = leftTile[depth * rowVectors + local.y + tileHeight];
      sum10 = addOuterProduct(sum10, a1, b0);
#if ${eightColumns}
      sum11 = addOuterProduct(sum11, a1, b1);
#endif
#endif
    }
    workgroupBarrier();
    store(next, index);
    workgroupBarrier();
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
