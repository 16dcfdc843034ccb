/** A range that holds the true value in 95 of 100 samples. */
export interface Interval {
  readonly lower: number
  readonly upper: number
}
