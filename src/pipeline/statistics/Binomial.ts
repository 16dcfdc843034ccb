/**
 * Random draws from the binomial distribution, in constant time for any number of trials. Effect has no distributions, and
 * the packages that draw binomials bring a tree of dependencies.
 */

/** A uniform random number, at least 0 and below 1. */
export type Uniform = () => number

/** Random numbers that are the same for the same seed: Mulberry32, of period 2^32. Effect's `Random` needs a fiber. */
export const seeded = (seed: number): Uniform => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The number of successes in `trials` independent trials, each with this probability. */
export const draw = (uniform: Uniform, trials: number, probability: number): number => {
  if (trials === 0 || probability <= 0) return 0
  if (probability >= 1) return trials
  if (probability > 0.5) return trials - draw(uniform, trials, 1 - probability)
  return trials * probability < 10 ? bySteps(uniform, trials, probability) : byRejection(uniform, trials, probability)
}

/** Jumps from success to success by geometric waiting times: one step a success. */
const bySteps = (uniform: Uniform, trials: number, probability: number): number => {
  const scale = Math.log1p(-probability)
  let successes = -1
  for (let trial = 0; trial <= trials; successes += 1) {
    trial += Math.floor(Math.log(1 - uniform()) / scale) + 1
  }
  return successes
}

/** Algorithm BTRS of W. Hörmann, "The generation of binomial random variates", 1993: exact, at any size. */
const byRejection = (uniform: Uniform, trials: number, probability: number): number => {
  const deviation = Math.sqrt(trials * probability * (1 - probability))
  const b = 1.15 + 2.53 * deviation
  const a = -0.0873 + 0.0248 * b + 0.01 * probability
  const center = trials * probability + 0.5
  const alpha = (2.83 + 5.1 / b) * deviation
  const odds = probability / (1 - probability)
  const mode = Math.floor((trials + 1) * probability)
  for (;;) {
    const u = uniform() - 0.5
    const v = uniform()
    const margin = 0.5 - Math.abs(u)
    const k = Math.floor(((2 * a) / margin + b) * u + center)
    if (k < 0 || k > trials) continue
    if (margin >= 0.07 && v <= 0.92 - 4.2 / b) return k
    const height = Math.log((v * alpha) / (a / (margin * margin) + b))
    const density =
      (mode + 0.5) * Math.log((mode + 1) / (odds * (trials - mode + 1))) +
      (trials + 1) * Math.log((trials - mode + 1) / (trials - k + 1)) +
      (k + 0.5) * Math.log((odds * (trials - k + 1)) / (k + 1)) +
      stirling(mode) +
      stirling(trials - mode) -
      stirling(k) -
      stirling(trials - k)
    if (height <= density) return k
  }
}

/** What Stirling's formula lacks of the logarithm of `k!`, to 9 digits. */
const stirling = (k: number): number => {
  const next = k + 1
  const square = next * next
  return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / 1680 / square) / square) / square) / next
}
