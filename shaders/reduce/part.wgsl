// What an invocation of a reduction works on. The input is [outer, extent, inner], the output [outer, chunks, inner]; a chunk is
// chunkLength positions of the extent.
//
// A tree: a workgroup of rows x columns invocations computes `columns` neighbouring outputs of one chunk, for which each
// invocation takes every rows-th position; the rows are joined in shared memory. Workgroups take the columns of chunk 0,
// then of chunk 1, ... Without a tree (rows is 1) an invocation computes an output of a chunk alone, and neither barriers nor
// shared memory are needed, which are dear on adapters that run on the CPU.

const rows = ${rows}u;
const columns = ${columns}u;

struct Part {
  isUsed: bool,
  chunk: u32,
  row: u32, // of the tree
  start: u32, // where the output's column of the input begins
  end: u32, // of the chunk's positions
  place: u32, // of the result
}

fn partOf(group: vec3<u32>, groups: vec3<u32>, local: u32) -> Part {
#if ${tree}
  let number = linearGroup(group, groups);
  let tiles = (uniforms.outputs + columns - 1u) / columns;
  let chunk = number / tiles;
  let column = number % tiles * columns + local % columns;
  let row = local / columns;
#else
  let number = linearIndex(group, groups, local, columns);
  let chunk = number / uniforms.outputs;
  let column = number - chunk * uniforms.outputs;
  let row = 0u;
#endif
  let outer = column / uniforms.inner;
  let inside = column - outer * uniforms.inner;
  return Part(
    column < uniforms.outputs && chunk < uniforms.chunks,
    chunk,
    row,
    uniforms.inputShift + outer * uniforms.extent * uniforms.inner + inside,
    min((chunk + 1u) * uniforms.chunkLength, uniforms.extent),
    uniforms.outputShift + (outer * uniforms.chunks + chunk) * uniforms.inner + inside,
  );
}
