// How a workgroup covers a row-major [rows, columns] array of Values: `tileColumns` neighbouring columns of one chunk of rows.
// A column is one channel, or four of them. The invocations form `lanes` lanes of `tileColumns` each, so that a lane reads
// neighbouring addresses. Invocation `local` belongs to lane local / tileColumns.

#include "common/value.wgsl"

const tileColumns = ${tileColumns}u;
const lanes = ${workgroupSize}u / tileColumns;

struct TilePlace {
  chunk: u32,
  column: u32,
  lane: u32,
}

fn tilePlace(group: u32, local: u32, columns: u32) -> TilePlace {
  let tiles = (columns + tileColumns - 1u) / tileColumns;
  return TilePlace(group / tiles, (group % tiles) * tileColumns + local % tileColumns, local / tileColumns);
}
