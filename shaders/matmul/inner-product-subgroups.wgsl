// The inner product for adapters that run on the CPU and have subgroups: there a load is a gather with a bounds check for each
// lane, while lanes exchange values for nearly nothing. A workgroup is one subgroup of `subgroupSize` lanes. A lane loads
// four rows of left and passes them round, so that it computes 4 * subgroupSize rows x 4 columns of results from eight
// elements for each step of the depth; in the narrow form for few columns it is 2 columns from six. Neighbouring rows and
// columns are loaded as vectors, which share the computation of their place; vectors along the depth were slower. Segments
// without anything but zeros are skipped, as in inner-product-registers.wgsl.

enable subgroups;
// the loops depend on the workgroup's tile only, which the compiler cannot see
diagnostic(off, subgroup_uniformity);

const subgroupSize = ${subgroupSize}u;
const stride = vec4<u32>(0u, 1u, 2u, 3u);

#if ${narrow}
alias Line = vec2<f32>;
alias Block = mat4x2<f32>;
const columnsPerLane = 2u;
#else
alias Line = vec4<f32>;
alias Block = mat4x4<f32>;
const columnsPerLane = 4u;
#endif

@compute @workgroup_size(subgroupSize)
fn main(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(subgroup_invocation_id) lane: u32,
) {
  let tile = tileOf(group, groups, 4u * subgroupSize, columnsPerLane * subgroupSize);
  if (tile.batch >= uniforms.batches) {
    return;
  }
  let column = tile.column + lane * columnsPerLane;
  let left = leftRowsInside(tile.row + lane * 4u + stride, tile.batch);
  let right = rightColumnsInside(column + stride, tile.batch);
  var sum0 = Block();
  var sum1 = Block();
  var sum2 = Block();
  var sum3 = Block();
#if ${eightLanes}
  var sum4 = Block();
  var sum5 = Block();
  var sum6 = Block();
  var sum7 = Block();
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
#if ${narrow}
      let b = loadRight(rightHere, d).xy;
#else
      let b = loadRight(rightHere, d);
#endif
      sum0 = addLines(sum0, subgroupShuffle(a, 0u), b);
      sum1 = addLines(sum1, subgroupShuffle(a, 1u), b);
      sum2 = addLines(sum2, subgroupShuffle(a, 2u), b);
      sum3 = addLines(sum3, subgroupShuffle(a, 3u), b);
#if ${eightLanes}
      sum4 = addLines(sum4, subgroupShuffle(a, 4u), b);
      sum5 = addLines(sum5, subgroupShuffle(a, 5u), b);
      sum6 = addLines(sum6, subgroupShuffle(a, 6u), b);
      sum7 = addLines(sum7, subgroupShuffle(a, 7u), b);
#endif
    }
  }

  // In a loop, of a length that compilers do not know, so that there is one copy of the code: drivers compile all code that
  // is written eight times in seconds instead of tenths of a second.
  let end = min(tile.row + 4u * subgroupSize, uniforms.rows);
  for (var row = tile.row; row < end; row += 4u) {
    storeLines(tile, row, column, sum0);
    sum0 = sum1;
    sum1 = sum2;
    sum2 = sum3;
#if ${eightLanes}
    sum3 = sum4;
    sum4 = sum5;
    sum5 = sum6;
    sum6 = sum7;
#endif
  }
}

// addOuterProduct for the columns of a lane.
fn addLines(sum: Block, left: vec4<f32>, right: Line) -> Block {
  return Block(
    fma(Line(left.x), right, sum[0]),
    fma(Line(left.y), right, sum[1]),
    fma(Line(left.z), right, sum[2]),
    fma(Line(left.w), right, sum[3]),
  );
}

// Stores the results of four rows and the columns of a lane.
fn storeLines(tile: Tile, row: u32, column: u32, sum: Block) {
#if ${narrow}
  let none = vec2<f32>();
  let columns = vec4<u32>(column, column + 1u, vec2<u32>(0xffffffffu)); // the last two are beyond all columns
  storeBlock(
    tile.batch,
    tile.split,
    row,
    1u,
    columns,
    mat4x4<f32>(vec4<f32>(sum[0], none), vec4<f32>(sum[1], none), vec4<f32>(sum[2], none), vec4<f32>(sum[3], none)),
  );
#elif ${vectors}
  if (column >= uniforms.columns) {
    return;
  }
  let terms = columnTerms((uniforms.biasOffset + tile.batch * uniforms.outputBatchStride + column) / 4u);
  var lines = sum;
  let end = min(row + 4u, uniforms.rows);
  for (var line = row; line < end; line++) {
    storeLine(tile, line, column, terms, lines[0]);
    lines = Block(lines[1], lines[2], lines[3], lines[3]);
  }
#else
  storeSquare(tile, row, column, sum);
#endif
}
