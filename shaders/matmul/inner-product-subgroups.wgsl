// The inner product for adapters that run on the CPU and have subgroups: there a load is a gather with a bounds check for each
// lane, while lanes exchange values for nearly nothing. A workgroup is one subgroup of `subgroupSize` lanes. A lane loads
// four rows of left and passes them round, so that it computes 4 * subgroupSize rows x 4 columns of results from eight
// elements for each step of the depth; in the narrow form for few columns it is 2 columns from six.
//
// These are more sums than a CPU has registers. Where segments are multiples of four long (fourSteps), four steps of the depth
// are therefore taken at a time, and each block of sums is fetched and put back once for all of them. Neighbouring elements are
// loaded as vectors, which share the computation of their place. Segments without anything but zeros are skipped, as in
// inner-product-registers.wgsl.

enable subgroups;
// the loops depend on the workgroup's tile only, which the compiler cannot see
diagnostic(off, subgroup_uniformity);

#include "matmul/inner-product-steps.wgsl"

const subgroupSize = ${subgroupSize}u;

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
  let left = leftLines(tile.row + lane * 4u, tile.batch);
  let right = rightLines(column, tile.batch);
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
    let leftHere = leftLinesIn(left, segment);
    if (subgroupAll(areEmpty(leftHere))) {
      continue;
    }
    let rightHere = rightLinesIn(right, segment);
    for (var d = begin; d < end; d += stepsAtOnce) {
      let a = loadLeftSteps(leftHere, d);
      let b = loadRightSteps(rightHere, d);
      sum0 = addSteps(sum0, a, 0u, b);
      sum1 = addSteps(sum1, a, 1u, b);
      sum2 = addSteps(sum2, a, 2u, b);
      sum3 = addSteps(sum3, a, 3u, b);
#if ${eightLanes}
      sum4 = addSteps(sum4, a, 4u, b);
      sum5 = addSteps(sum5, a, 5u, b);
      sum6 = addSteps(sum6, a, 6u, b);
      sum7 = addSteps(sum7, a, 7u, b);
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

// sum + left * right, for the rows of the given lane and the columns of this one.
fn addStep(sum: Block, left: vec4<f32>, lane: u32, right: vec4<f32>) -> Block {
  let rows = subgroupShuffle(left, lane);
#if ${narrow}
  let columns = right.xy;
#else
  let columns = right;
#endif
  return Block(
    fma(Line(rows.x), columns, sum[0]),
    fma(Line(rows.y), columns, sum[1]),
    fma(Line(rows.z), columns, sum[2]),
    fma(Line(rows.w), columns, sum[3]),
  );
}

// The same for all steps that are taken at once.
fn addSteps(sum: Block, left: Steps, lane: u32, right: Steps) -> Block {
#if ${fourSteps}
  let sum0 = addStep(sum, left[0], lane, right[0]);
  let sum1 = addStep(sum0, left[1], lane, right[1]);
  let sum2 = addStep(sum1, left[2], lane, right[2]);
  return addStep(sum2, left[3], lane, right[3]);
#else
  return addStep(sum, left, lane, right);
#endif
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
