// A small inner product: 2 x 2 results, an 8 deep tile in shared memory, the loop over it not unrolled.
struct Uniforms { rows: u32, columns: u32, depth: u32 }
@group(0) @binding(0) var<storage, read> left: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read> right: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec2<f32>>;
@group(1) @binding(0) var<uniform> uniforms: Uniforms;
var<workgroup> leftTile: array<vec2<f32>, 64>;
var<workgroup> rightTile: array<vec2<f32>, 64>;
@compute @workgroup_size(8, 8)
fn main(@builtin(local_invocation_id) local: vec3<u32>, @builtin(workgroup_id) group: vec3<u32>) {
  var top = vec2<f32>();
  var bottom = vec2<f32>();
  let row = group.y * 8u + local.y;
  let column = group.x * 8u + local.x;
  for (var start = 0u; start < uniforms.depth; start += 8u) {
    leftTile[local.y * 8u + local.x] = left[(start + local.x) * uniforms.rows + row];
    rightTile[local.y * 8u + local.x] = right[(start + local.y) * uniforms.columns + column];
    workgroupBarrier();
    for (var d = 0u; d < uniforms.rows; d++) {
      let a = leftTile[local.y * 8u + d];
      let b = rightTile[d * 8u + local.x];
      top = fma(vec2(a.x), b, top);
      bottom = fma(vec2(a.y), b, bottom);
    }
    workgroupBarrier();
  }
  output[row * uniforms.columns + column] = top;
  output[(row + uniforms.rows) * uniforms.columns + column] = bottom;
}
