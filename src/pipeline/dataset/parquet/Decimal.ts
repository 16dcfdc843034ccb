/**
 * Decimals of a Parquet column. The file stores a whole number and the column the number of its decimal places, so that
 * every digit is exact; in JSON a decimal is a text.
 */
import type { SchemaElement } from "hyparquet"
import * as Predicate from "effect/Predicate"
import { type Codec, misfit } from "./Codec.ts"

/** The codec of a column of decimals. */
export const codec = ({ logical_type: logical, ...element }: SchemaElement): Codec => {
  const { precision = 38, scale = 0 } = logical?.type === "DECIMAL" ? logical : element
  return {
    decode: (stored) => {
      const whole = wholeOf(stored)
      return whole === undefined ? stored : format(whole, scale)
    },
    encode: (value) => {
      const whole = parse(value, scale)
      return whole === undefined || digitsOf(whole) > precision ? misfit : whole
    }
  }
}

/** Bytes hold the number in two's complement, the highest byte first. */
const wholeOf = (stored: unknown): bigint | undefined => {
  if (Predicate.isBigInt(stored)) return stored
  if (Predicate.isNumber(stored)) return BigInt(stored)
  if (!(stored instanceof Uint8Array)) return undefined
  let whole = 0n
  for (const byte of stored) whole = (whole << 8n) | BigInt(byte)
  return BigInt.asIntN(stored.length * 8, whole)
}

const format = (whole: bigint, scale: number): string => {
  if (scale === 0) return String(whole)
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, "0")
  return `${whole < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

const parse = (value: unknown, scale: number): bigint | undefined => {
  if (!Predicate.isString(value) && !Predicate.isNumber(value)) return undefined
  const [, sign, whole, places = ""] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(value)) ?? []
  if (whole === undefined || /[^0]/.test(places.slice(scale))) return undefined
  return BigInt(`${sign}${whole}${places.slice(0, scale).padEnd(scale, "0")}`)
}

const digitsOf = (whole: bigint): number => String(whole < 0n ? -whole : whole).length
