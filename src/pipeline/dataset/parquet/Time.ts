/**
 * Dates, times and timestamps of a Parquet column as ISO texts. Milliseconds always have their three digits, so that a
 * timestamp is what `Date` writes; further digits are there where they are not zero. A timestamp without a time zone is
 * taken as UTC, as pandas, Spark and DuckDB show it.
 */
import type { SchemaElement } from "hyparquet"
import * as Predicate from "effect/Predicate"

/** A kind of column that counts time in units. */
export interface Unit {
  readonly format: (stored: unknown) => unknown
  /** Undefined where the text has another form, or more digits than the unit. */
  readonly parse: (text: string) => bigint | number | undefined
}

/** Units per second. */
const units = { MILLIS: 1000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n }

/** The unit of a timestamp or of a time of day; undefined where the column has neither. */
export const unitOf = ({ converted_type: converted, logical_type: logical, type }: SchemaElement): Unit | undefined => {
  if (type === "INT96") return timestamp(units.NANOS)
  if (logical?.type === "TIMESTAMP") return timestamp(units[logical.unit])
  if (logical?.type === "TIME") return timeOfDay(units[logical.unit], type)
  if (converted === "TIMESTAMP_MILLIS") return timestamp(units.MILLIS)
  if (converted === "TIMESTAMP_MICROS") return timestamp(units.MICROS)
  if (converted === "TIME_MILLIS") return timeOfDay(units.MILLIS, type)
  return converted === "TIME_MICROS" ? timeOfDay(units.MICROS, type) : undefined
}

const timestamp = (perSecond: bigint): Unit => ({
  format: (stored) => {
    if (!Predicate.isBigInt(stored)) return stored
    const perMilli = perSecond / 1000n
    const millis = floor(stored, perMilli)
    // Beyond what a date can be, the number itself says more.
    if (Math.abs(Number(millis)) > 8.64e15) return String(stored)
    return `${new Date(Number(millis)).toISOString().slice(0, -1)}${more(stored - millis * perMilli, perMilli)}Z`
  },
  parse: (text) => {
    const [, start, fraction = ""] = /^([+-]?\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/.exec(text) ?? []
    const seconds = start === undefined ? NaN : Date.parse(`${start}Z`) / 1000
    return Number.isInteger(seconds) ? inUnits(BigInt(seconds), fraction, perSecond) : undefined
  }
})

const timeOfDay = (perSecond: bigint, type: SchemaElement["type"]): Unit => ({
  format: (stored) => {
    if (!Predicate.isBigInt(stored) && !Predicate.isNumber(stored)) return stored
    const count = BigInt(stored)
    const seconds = floor(count, perSecond)
    const [hours, minutes, rest] = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n]
    const millis = ((count - seconds * perSecond) * 1000n) / perSecond
    const clock = [hours, minutes, rest].map((part) => String(part).padStart(2, "0")).join(":")
    return `${clock}.${String(millis).padStart(3, "0")}${more(count % (perSecond / 1000n), perSecond / 1000n)}`
  },
  parse: (text) => {
    const [, hours, minutes, seconds, fraction = ""] = /^(\d\d):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?$/.exec(text) ?? []
    if (hours === undefined) return undefined
    const whole = Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)
    const count = inUnits(BigInt(whole), fraction, perSecond)
    return type === "INT32" && count !== undefined ? Number(count) : count
  }
})

/** The digits after the milliseconds, without zeros at the end. */
const more = (rest: bigint, perMilli: bigint): string =>
  rest === 0n
    ? ""
    : String(rest + perMilli)
        .slice(1)
        .replace(/0+$/, "")

const inUnits = (seconds: bigint, fraction: string, perSecond: bigint): bigint | undefined => {
  const places = String(perSecond).length - 1
  if (/[^0]/.test(fraction.slice(places))) return undefined
  return seconds * perSecond + BigInt(fraction.slice(0, places).padEnd(places, "0"))
}

const floor = (count: bigint, by: bigint): bigint => (count < 0n ? -((-count + by - 1n) / by) : count / by)

/** A date from its number of days since 1970. */
export const date = (stored: unknown): unknown => {
  if (!Predicate.isNumber(stored) || Math.abs(stored) > 1e8) return stored
  return new Date(stored * day).toISOString().replace(/T.*/, "")
}

/** The days since 1970. */
export const parseDate = (text: string): number | undefined => {
  const days = /^[+-]?\d{4,6}-\d\d-\d\d$/.test(text) ? Date.parse(text) / day : NaN
  return Number.isInteger(days) ? days : undefined
}

const day = 86_400_000
