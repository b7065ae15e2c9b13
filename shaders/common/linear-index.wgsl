// The number of an invocation in a one-dimensional grid that may be folded into y (see linearGrid in kernels/grid.ts).

fn linearGroup(group: vec3<u32>, groups: vec3<u32>) -> u32 {
  return group.x + group.y * groups.x;
}

fn linearIndex(group: vec3<u32>, groups: vec3<u32>, local: u32, workgroupSize: u32) -> u32 {
  return linearGroup(group, groups) * workgroupSize + local;
}
