/**
 * The figures of a run, and their line in the table.
 */
import * as Meter from "./meter.ts"
import type { Variant } from "./standIn.ts"

export interface Run {
  readonly subject: string
  readonly mix: string
  readonly variant: string
  /** After 10 seconds, and at the end. */
  readonly early: Meter.State
  readonly end: Meter.State
  readonly answered: number
  readonly lost: number
}

export interface Figures extends Meter.Use, Pick<Run, "subject" | "mix" | "variant"> {
  readonly idle: number
  readonly lost: number
  readonly answersPerMinute: number
}

export const of = (run: Run, { limits }: Variant, minutes: number): Figures => {
  const { answered, early, end, lost, mix, subject, variant } = run
  const use = Meter.use(early, end)
  const idle = Meter.idleSeconds(early, use.binding, limits[use.binding])
  return { subject, mix, variant, ...use, idle, lost, answersPerMinute: answered / minutes }
}

/** One line. A ratio above 1 means that our subject gave more useful answers. */
export const show = (figures: Figures, ours: Figures | undefined, json: boolean): string => {
  const { answersPerMinute, binding, idle, lost, mix, refusalsPerThousand, share, subject, variant } = figures
  const ratio = ours === undefined || ours === figures ? undefined : ours.answersPerMinute / answersPerMinute
  if (json) return JSON.stringify({ bench: "rate", ...figures, ...(ratio !== undefined && { ours: ratio }) })
  return [
    subject.padEnd(16),
    variant.padEnd(16),
    mix.padEnd(8),
    binding.padEnd(8),
    `share ${share.toFixed(3)}`,
    `idle ${idle.toFixed(1)} s`.padStart(11),
    `${refusalsPerThousand.toFixed(1)} 429s per 1,000`.padStart(22),
    `${lost} lost`.padStart(9),
    `${answersPerMinute.toFixed(0)} answers/min`.padStart(16),
    ratio === undefined ? "" : `ours ${ratio.toFixed(2)} ×`.padStart(11)
  ].join("  ")
}
