// Where the pixels of a convolution lie. Arrays are f32: images [N, H, W, C], weights [KH, KW, C / groups, Cout]. A tap
// is one position of the kernel, numbered row by row; output pixel (oy, ox) and tap (ky, kx) meet at the input pixel
// (oy * stride - padding + ky * dilation, the same with x).

struct Pixels {
  image: vec4<u32>,
  y: vec4<u32>,
  x: vec4<u32>,
}

// The places of four pixels that are numbered image by image, row by row.
fn pixelsOf(numbers: vec4<u32>, height: u32, width: u32) -> Pixels {
  let rows = numbers / width;
  let images = rows / height;
  return Pixels(images, rows - images * height, numbers - rows * width);
}

// Which coordinates are not negative and below the length.
fn areInside(coordinates: vec4<i32>, length: u32) -> vec4<bool> {
  return vec4<u32>(coordinates) < vec4<u32>(length);
}
