/** Statistics of random numbers, in double precision. */

export interface Moments {
  readonly mean: number
  readonly variance: number
  /** The third and fourth central moments in units of the standard deviation: 0 and 3 for a normal distribution. */
  readonly skewness: number
  readonly kurtosis: number
}

export function moments(values: ArrayLike<number>): Moments {
  const mean = average(values, (value) => value)
  const variance = average(values, (value) => (value - mean) ** 2)
  const skewness = average(values, (value) => (value - mean) ** 3) / variance ** 1.5
  const kurtosis = average(values, (value) => (value - mean) ** 4) / variance ** 2
  return { mean, variance, skewness, kurtosis }
}

/** Pearson's correlation coefficient of two lists of equal length. */
export function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [momentsA, momentsB] = [moments(a), moments(b)]
  const covariance = average(a, (value, i) => (value - momentsA.mean) * (b[i]! - momentsB.mean))
  return covariance / Math.sqrt(momentsA.variance * momentsB.variance)
}

function average(values: ArrayLike<number>, term: (value: number, i: number) => number): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += term(values[i]!, i)
  return sum / values.length
}
