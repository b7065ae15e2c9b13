// The loop that matrix products and convolutions share: result[row, column] = sum over depth of left[row, depth] *
// right[depth, column]. What left and right are is said by the file that includes this one, in seven functions:
//
//   leftRows(rows, batch) -> LeftRows                the places of four rows: what does not depend on the depth
//   leftSegment(LeftRows, segment) -> LeftSegment    their places in one segment of the depth, a vec2<u32> as of segmentAt()
//   loadLeft(LeftSegment, depth) -> vec4<f32>        left[rows, depth], with the depth counted from the segment's start
//   rightColumns, rightSegment, loadRight            the same for four columns of right
//   isEmpty(LeftSegment) -> bool                     whether loadLeft gives nothing but zeros in this segment
//
// and, where neighbouring rows of the results are not neighbours in the output (scattered), in one more:
//
//   outputPlace(row, batch) -> OutputPlace           which row of which batch of the output it is
//
// Where operands are read four neighbours at a time (leftVectors, rightVectors), loadLeft gets one row four times. Operands and
// results may be f16; all sums are f32.
//
// The depth consists of segments of equal length: the kernel taps of a convolution, each as long as the channels; one
// segment in a plain product. Rows and columns that these functions get lie inside: those beyond the edge repeat the
// last one and are not stored.
//
// A workgroup computes one tile. Tiles are numbered along a folded grid: column by column in panels, row by row, panel by
// panel, so that the part of right that neighbours share stays in a cache; then `splits` parts of the depth, whose results
// go to separate arrays (see combine.wgsl), then batches, which are the groups of a convolution.

#include "common/linear-index.wgsl"
#include "common/value.wgsl"

#include "matmul/epilogue.wgsl"

// How many tiles a panel is wide.
const panelTiles = 8u;

struct Tile {
  row: u32,
  column: u32,
  batch: u32,
  split: u32,
  depthStart: u32,
  depthEnd: u32,
}

// The tile of a workgroup; where the grid has more workgroups than tiles, `batch` is beyond the last one.
fn tileOf(group: vec3<u32>, groups: vec3<u32>, height: u32, width: u32) -> Tile {
  let tilesInRow = (uniforms.columns + width - 1u) / width;
  let tilesInColumn = (uniforms.rows + height - 1u) / height;
  let tiles = tilesInRow * tilesInColumn;
  let number = linearGroup(group, groups);
  let part = number / tiles;
  let inPart = number - part * tiles;
  let panel = inPart / (panelTiles * tilesInColumn);
  let inPanel = inPart - panel * panelTiles * tilesInColumn;
  let tilesAcross = min(panelTiles, tilesInRow - panel * panelTiles);
  let tileRow = inPanel / tilesAcross;
  let tileColumn = panel * panelTiles + inPanel - tileRow * tilesAcross;
  let batch = part / uniforms.splits;
  let split = part - batch * uniforms.splits;
  let depthStart = split * uniforms.depthPerSplit;
  return Tile(
    tileRow * height,
    tileColumn * width,
    batch,
    split,
    depthStart,
    min(depthStart + uniforms.depthPerSplit, uniforms.depth),
  );
}

// sum + left * right, for a column of four and a row of four numbers; sum[i] is row i of the 4 x 4 results.
fn addOuterProduct(sum: mat4x4<f32>, left: vec4<f32>, right: vec4<f32>) -> mat4x4<f32> {
  return mat4x4<f32>(
    fma(vec4<f32>(left.x), right, sum[0]),
    fma(vec4<f32>(left.y), right, sum[1]),
    fma(vec4<f32>(left.z), right, sum[2]),
    fma(vec4<f32>(left.w), right, sum[3]),
  );
}

// Segments are numbered row by row: a segment's row and column.
fn segmentAt(number: u32) -> vec2<u32> {
  let row = number / uniforms.segmentsInRow;
  return vec2<u32>(row, number - row * uniforms.segmentsInRow);
}

fn nextSegment(segment: vec2<u32>) -> vec2<u32> {
  let last = segment.y + 1u == uniforms.segmentsInRow;
  return select(vec2<u32>(segment.x, segment.y + 1u), vec2<u32>(segment.x + 1u, 0u), last);
}

// Where a row of the results goes, if there is one.
struct OutputPlace {
  inside: bool,
  row: u32,
  batch: u32,
}

#if ${scattered}
#else
fn outputPlace(row: u32, batch: u32) -> OutputPlace {
  return OutputPlace(row < uniforms.rows, row, batch);
}
#endif

fn leftRowsInside(rows: vec4<u32>, batch: u32) -> LeftRows {
  return leftRows(min(rows, vec4<u32>(uniforms.rows - 1u)), batch);
}

fn rightColumnsInside(columns: vec4<u32>, batch: u32) -> RightColumns {
  return rightColumns(min(columns, vec4<u32>(uniforms.columns - 1u)), batch);
}

#if ${vectors}
fn storeLine(tile: Tile, row: u32, column: u32, terms: ColumnTerms, values: vec4<f32>) {
  let place = outputPlace(row, tile.batch);
  if (place.inside) {
    let inRow = place.batch * uniforms.outputBatchStride + column;
    let position =
      (uniforms.outputOffset + tile.split * uniforms.splitStride + place.row * uniforms.outputRowStride + inRow) / 4u;
    output[position] = OutputElement(finish(values, position, terms));
  }
}
#else
// Stores the results of one row, where their columns lie inside.
fn storeElements(batch: u32, split: u32, row: u32, columns: vec4<u32>, values: vec4<f32>) {
  let place = outputPlace(row, batch);
  if (!place.inside) {
    return;
  }
  for (var j = 0u; j < 4u; j++) {
    if (columns[j] < uniforms.columns) {
      let inRow = place.batch * uniforms.outputBatchStride + columns[j];
      let position =
        uniforms.outputOffset + split * uniforms.splitStride + place.row * uniforms.outputRowStride + inRow;
      output[position] = OutputElement(finish(values[j], position, columnTerms(uniforms.biasOffset + inRow)));
    }
  }
}

// Stores block[i][j], the result of row firstRow + i * rowStep and column columns[j], where they lie inside.
fn storeBlock(batch: u32, split: u32, firstRow: u32, rowStep: u32, columns: vec4<u32>, block: mat4x4<f32>) {
  var lines = block;
  let end = min(firstRow + 4u * rowStep, uniforms.rows);
  for (var row = firstRow; row < end; row += rowStep) {
    storeElements(batch, split, row, columns, lines[0]);
    lines = mat4x4<f32>(lines[1], lines[2], lines[3], lines[3]); // registers have no index
  }
}
#endif

// Stores a square of neighbouring results, the first of which is of the given row and column.
fn storeSquare(tile: Tile, row: u32, column: u32, block: mat4x4<f32>) {
#if ${vectors}
  if (column < uniforms.columns) {
    let terms = columnTerms((uniforms.biasOffset + tile.batch * uniforms.outputBatchStride + column) / 4u);
    storeLine(tile, row, column, terms, block[0]);
    storeLine(tile, row + 1u, column, terms, block[1]);
    storeLine(tile, row + 2u, column, terms, block[2]);
    storeLine(tile, row + 3u, column, terms, block[3]);
  }
#else
  storeBlock(tile.batch, tile.split, row, 1u, column + vec4<u32>(0u, 1u, 2u, 3u), block);
#endif
}

#if ${sharedMemory}
#include "matmul/inner-product-shared.wgsl"
#elif ${subgroupSize}
#include "matmul/inner-product-subgroups.wgsl"
#else
#include "matmul/inner-product-registers.wgsl"
#endif
