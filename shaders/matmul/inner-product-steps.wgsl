// Four rows of left and four columns of right at one step of the depth, or at four (fourSteps): loadLeftSteps and loadRightSteps
// give a vector with an element for each row (column), or a matrix with such a vector for each step. Where neighbours in the depth
// are neighbours in memory and come in fours (leftTransposed, rightTransposed; with fourSteps only), each line is loaded as a
// vector of its own along the depth; else each step is, across the lines.

#if ${fourSteps}
alias Steps = mat4x4<f32>;
const stepsAtOnce = 4u;
#else
alias Steps = vec4<f32>;
const stepsAtOnce = 1u;
#endif

#if ${leftTransposed}
struct LeftLines {
  line0: LeftRows,
  line1: LeftRows,
  line2: LeftRows,
  line3: LeftRows,
}

struct LeftLinesHere {
  line0: LeftSegment,
  line1: LeftSegment,
  line2: LeftSegment,
  line3: LeftSegment,
}

fn leftLines(row: u32, batch: u32) -> LeftLines {
  return LeftLines(
    leftRowsInside(vec4<u32>(row), batch),
    leftRowsInside(vec4<u32>(row + 1u), batch),
    leftRowsInside(vec4<u32>(row + 2u), batch),
    leftRowsInside(vec4<u32>(row + 3u), batch),
  );
}

fn leftLinesIn(lines: LeftLines, segment: vec2<u32>) -> LeftLinesHere {
  return LeftLinesHere(
    leftSegment(lines.line0, segment),
    leftSegment(lines.line1, segment),
    leftSegment(lines.line2, segment),
    leftSegment(lines.line3, segment),
  );
}

fn loadLeftSteps(here: LeftLinesHere, depth: u32) -> Steps {
  return transpose(
    mat4x4<f32>(
      loadLeft(here.line0, depth),
      loadLeft(here.line1, depth),
      loadLeft(here.line2, depth),
      loadLeft(here.line3, depth),
    ),
  );
}

fn areEmpty(here: LeftLinesHere) -> bool {
  return isEmpty(here.line0) && isEmpty(here.line1) && isEmpty(here.line2) && isEmpty(here.line3);
}
#else
alias LeftLines = LeftRows;
alias LeftLinesHere = LeftSegment;

fn leftLines(row: u32, batch: u32) -> LeftLines {
  return leftRowsInside(row + vec4<u32>(0u, 1u, 2u, 3u), batch);
}

fn leftLinesIn(lines: LeftLines, segment: vec2<u32>) -> LeftLinesHere {
  return leftSegment(lines, segment);
}

fn loadLeftSteps(here: LeftLinesHere, depth: u32) -> Steps {
#if ${fourSteps}
  return Steps(
    loadLeft(here, depth),
    loadLeft(here, depth + 1u),
    loadLeft(here, depth + 2u),
    loadLeft(here, depth + 3u),
  );
#else
  return loadLeft(here, depth);
#endif
}

fn areEmpty(here: LeftLinesHere) -> bool {
  return isEmpty(here);
}
#endif

#if ${rightTransposed}
struct RightLines {
  line0: RightColumns,
  line1: RightColumns,
  line2: RightColumns,
  line3: RightColumns,
}

struct RightLinesHere {
  line0: RightSegment,
  line1: RightSegment,
  line2: RightSegment,
  line3: RightSegment,
}

fn rightLines(column: u32, batch: u32) -> RightLines {
  return RightLines(
    rightColumnsInside(vec4<u32>(column), batch),
    rightColumnsInside(vec4<u32>(column + 1u), batch),
    rightColumnsInside(vec4<u32>(column + 2u), batch),
    rightColumnsInside(vec4<u32>(column + 3u), batch),
  );
}

fn rightLinesIn(lines: RightLines, segment: vec2<u32>) -> RightLinesHere {
  return RightLinesHere(
    rightSegment(lines.line0, segment),
    rightSegment(lines.line1, segment),
    rightSegment(lines.line2, segment),
    rightSegment(lines.line3, segment),
  );
}

fn loadRightSteps(here: RightLinesHere, depth: u32) -> Steps {
  return transpose(
    mat4x4<f32>(
      loadRight(here.line0, depth),
      loadRight(here.line1, depth),
      loadRight(here.line2, depth),
      loadRight(here.line3, depth),
    ),
  );
}
#else
alias RightLines = RightColumns;
alias RightLinesHere = RightSegment;

fn rightLines(column: u32, batch: u32) -> RightLines {
  return rightColumnsInside(column + vec4<u32>(0u, 1u, 2u, 3u), batch);
}

fn rightLinesIn(lines: RightLines, segment: vec2<u32>) -> RightLinesHere {
  return rightSegment(lines, segment);
}

fn loadRightSteps(here: RightLinesHere, depth: u32) -> Steps {
#if ${fourSteps}
  return Steps(
    loadRight(here, depth),
    loadRight(here, depth + 1u),
    loadRight(here, depth + 2u),
    loadRight(here, depth + 3u),
  );
#else
  return loadRight(here, depth);
#endif
}
#endif
