// Winograd's minimal filtering F(m x m, 3 x 3) (S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and S.
// Gray, Fast Algorithms for Convolutional Neural Networks, 2015): an output tile of m x m pixels of a 3 x 3 convolution is
//
//   Y = A^T [(G g G^T) * (B^T d B)] A        * element by element, d the input tile of side t = m + 2, g the kernel
//
// with t^2 multiplications in the place of 9 m^2. Here are the one-dimensional transforms B^T, G and A^T, and their
// adjoints A and G^T, with which the kernel's gradient is G^T [(B^T d B) * (A dY A^T)] G. The interpolation points are 0, 1,
// -1 and infinity for m = 2, and 2 and -2 besides for m = 4. `Value` is f32 or vec4<f32>: one channel or four.

#if ${largeTile}
const outputSide = 4u;
const tileSide = 6u;
alias OutputLine = array<Value, 4>;
alias TileLine = array<Value, 6>;
#else
const outputSide = 2u;
const tileSide = 4u;
alias OutputLine = array<Value, 2>;
alias TileLine = array<Value, 4>;
#endif
alias KernelLine = array<Value, 3>;

// B^T d
fn transformInput(d: TileLine) -> TileLine {
#if ${largeTile}
  let even = d[4] - 4.0 * d[2];
  let odd = d[3] - 4.0 * d[1];
  let difference = d[4] - d[2];
  let twice = 2.0 * (d[3] - d[1]);
  return TileLine(
    4.0 * d[0] - 5.0 * d[2] + d[4],
    even + odd,
    even - odd,
    difference + twice,
    difference - twice,
    4.0 * d[1] - 5.0 * d[3] + d[5],
  );
#else
  return TileLine(d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]);
#endif
}

// G g
fn transformKernel(g: KernelLine) -> TileLine {
#if ${largeTile}
  let outer = (g[0] + g[2]) / -6.0;
  let middle = g[1] / 6.0;
  let far = g[0] / 24.0 + g[2] / 6.0;
  let near = g[1] / 12.0;
  return TileLine(g[0] / 4.0, outer - middle, outer + middle, far + near, far - near, g[2]);
#else
  let outer = 0.5 * (g[0] + g[2]);
  let middle = 0.5 * g[1];
  return TileLine(g[0], outer + middle, outer - middle, g[2]);
#endif
}

// A^T m
fn transformOutput(m: TileLine) -> OutputLine {
#if ${largeTile}
  let sum1 = m[1] + m[2];
  let difference1 = m[1] - m[2];
  let sum2 = m[3] + m[4];
  let difference2 = m[3] - m[4];
  return OutputLine(
    m[0] + sum1 + sum2,
    difference1 + 2.0 * difference2,
    sum1 + 4.0 * sum2,
    difference1 + 8.0 * difference2 + m[5],
  );
#else
  return OutputLine(m[0] + m[1] + m[2], m[1] - m[2] - m[3]);
#endif
}

// A y, the adjoint of the output's transform
fn spreadOutput(y: OutputLine) -> TileLine {
#if ${largeTile}
  let even1 = y[0] + y[2];
  let odd1 = y[1] + y[3];
  let even2 = y[0] + 4.0 * y[2];
  let odd2 = 2.0 * y[1] + 8.0 * y[3];
  return TileLine(y[0], even1 + odd1, even1 - odd1, even2 + odd2, even2 - odd2, y[3]);
#else
  return TileLine(y[0], y[0] + y[1], y[0] - y[1], -y[1]);
#endif
}

// G^T u, the adjoint of the kernel's transform
fn gatherKernel(u: TileLine) -> KernelLine {
#if ${largeTile}
  let sum1 = (u[1] + u[2]) / 6.0;
  let difference1 = (u[2] - u[1]) / 6.0;
  let sum2 = u[3] + u[4];
  let difference2 = u[3] - u[4];
  return KernelLine(
    u[0] / 4.0 - sum1 + sum2 / 24.0,
    difference1 + difference2 / 12.0,
    sum2 / 6.0 - sum1 + u[5],
  );
#else
  let sum = 0.5 * (u[1] + u[2]);
  return KernelLine(u[0] + sum, 0.5 * (u[1] - u[2]), sum + u[3]);
#endif
}
