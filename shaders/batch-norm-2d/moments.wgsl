// Moments of a set of numbers, and how those of two sets merge: the pairwise update of Chan, Golub and LeVeque (1979), which
// never subtracts large sums from each other.

struct Moments {
  mean: Value,
  squares: Value, // the sum of squared deviations from the mean
  count: f32,
}

fn mergeMoments(a: Moments, b: Moments) -> Moments {
  if (b.count == 0.0) {
    return a;
  }
  let count = a.count + b.count;
  let share = b.count / count;
  let delta = b.mean - a.mean;
  return Moments(a.mean + delta * share, a.squares + b.squares + delta * delta * a.count * share, count);
}
