// The tiles of a reduction over the rows of a row-major [rows, channels] array. A workgroup covers `tileChannels`
// neighbouring channels and one chunk of rows; its invocations form `lanes` lanes of `tileChannels` each, so that a lane
// reads neighbouring addresses. Invocation `local` belongs to lane local / tileChannels.

const tileChannels = ${tileChannels}u;
const lanes = ${workgroupSize}u / tileChannels;

struct TilePlace {
  chunk: u32,
  channel: u32,
  lane: u32,
}

fn tilePlace(group: u32, local: u32, channels: u32) -> TilePlace {
  let tiles = (channels + tileChannels - 1u) / tileChannels;
  return TilePlace(group / tiles, (group % tiles) * tileChannels + local % tileChannels, local / tileChannels);
}
