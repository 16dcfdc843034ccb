/**
 * Writes US dollars for people. Below one dollar they have at least four decimals, and more if two significant digits
 * need them: `$12.35`, `$0.0123`, `$0.000013`.
 */
import * as BigDecimal from "effect/BigDecimal"

/** How an amount is rounded: to the nearest value, or so that it is never shown too low (up) or too high (down). */
export type Rounding = "nearest" | "up" | "down"

export const format = (amount: BigDecimal.BigDecimal, rounding: Rounding = "nearest"): string => {
  const scale = decimalsFor(amount)
  const rounded = BigDecimal.round(amount, { scale, mode: modes[rounding] })
  const digits = BigDecimal.scale(rounded, scale).value.toString()
  const padded = digits.padStart(scale + 1, "0")
  return `$${padded.slice(0, -scale)}.${padded.slice(-scale)}`
}

const modes = { nearest: "half-from-zero", up: "ceil", down: "floor" } as const

const decimalsFor = (amount: BigDecimal.BigDecimal): number => {
  const { value, scale } = BigDecimal.normalize(amount)
  const leadingZeros = scale - value.toString().length
  return value === 0n || leadingZeros < 0 ? 2 : Math.max(4, leadingZeros + 2)
}
