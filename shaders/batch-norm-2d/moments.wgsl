// Moments of a set of numbers as (mean, sum of squared deviations from it, count), and how those of two sets merge: the
// pairwise update of Chan, Golub and LeVeque (1979), which never subtracts large sums from each other.

fn mergeMoments(a: vec3<f32>, b: vec3<f32>) -> vec3<f32> {
  if (b.z == 0.0) {
    return a;
  }
  let count = a.z + b.z;
  let share = b.z / count;
  let delta = b.x - a.x;
  return vec3<f32>(a.x + delta * share, a.y + b.y + delta * delta * a.z * share, count);
}
