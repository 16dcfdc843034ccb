/**
 * The values of a Parquet column of one type, in JSON and as the file stores them. JSON has what is exact: a whole number
 * that JavaScript cannot hold is a text, and so is a decimal; a timestamp is an ISO text with all its digits, bytes are
 * base64. `encode` takes what `decode` gives.
 */
import type { SchemaElement } from "hyparquet"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Base64 from "effect/encoding/Base64"
import { type Codec, misfit } from "./Codec.ts"
import * as Decimal from "./Decimal.ts"
import * as Time from "./Time.ts"

/** The codec of a leaf of a schema. */
export const codec = (element: SchemaElement): Codec => {
  const { converted_type: converted, logical_type: logical, type } = element
  const named = converted ?? logical?.type
  if (named === "DECIMAL") return Decimal.codec(element)
  if (named === "JSON") return json
  if (named === "UTF8" || named === "STRING" || named === "ENUM") return text
  if (named === "UUID") return uuid
  if (named === "DATE") return fallible(Time.date, Time.parseDate)
  if (named === "FLOAT16") return { decode: ofNumber, encode: floating(() => true) }
  const time = Time.unitOf(element)
  if (time !== undefined) return fallible(time.format, time.parse)
  switch (type) {
    case "BOOLEAN":
      return { decode: (stored) => stored, encode: (value) => (Predicate.isBoolean(value) ? value : misfit) }
    case "INT32":
      return integer32(element)
    case "INT64":
      return integer64(element)
    case "FLOAT":
      return { decode: ofNumber, encode: floating((value) => Object.is(Math.fround(value), value)) }
    case "DOUBLE":
      return { decode: ofNumber, encode: floating(() => true) }
    default:
      return bytes(element.type_length)
  }
}

const fallible = (decode: Codec["decode"], encode: (text: string) => unknown): Codec => ({
  decode,
  encode: (value) => (Predicate.isString(value) ? (encode(value) ?? misfit) : misfit)
})

const utf8 = new TextDecoder()

const text: Codec = {
  decode: (stored) => (stored instanceof Uint8Array ? utf8.decode(stored) : stored),
  encode: (value) => (Predicate.isString(value) ? value : misfit)
}

const json: Codec = {
  decode: (stored) => {
    const source = stored instanceof Uint8Array ? utf8.decode(stored) : stored
    // A text that is no JSON is kept as a text.
    return Predicate.isString(source) ? Result.getOrElse(parseJson(source), () => source) : source
  },
  encode: (value) => value
}

const parseJson = (source: string) => Result.try((): unknown => JSON.parse(source))

/** Whether an integer has no sign. */
const isUnsigned = ({ converted_type: converted, logical_type: logical }: SchemaElement) =>
  converted?.startsWith("UINT_") === true || (logical?.type === "INTEGER" && !logical.isSigned)

const integer32 = (element: SchemaElement): Codec => {
  const unsigned = isUnsigned(element)
  const [least, most] = unsigned ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1]
  return {
    decode: (stored) => (unsigned && Predicate.isNumber(stored) ? stored >>> 0 : stored),
    encode: (value) => (Number.isInteger(value) && Number(value) >= least && Number(value) <= most ? value : misfit)
  }
}

const integer64 = (element: SchemaElement): Codec => {
  const unsigned = isUnsigned(element)
  const [least, most] = unsigned ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n]
  return {
    decode: (stored) => ofBigInt(unsigned && Predicate.isBigInt(stored) ? BigInt.asUintN(64, stored) : stored),
    encode: (value) => {
      const isWhole = Number.isSafeInteger(value) || (Predicate.isString(value) && /^-?(0|[1-9]\d*)$/.test(value))
      if (!isWhole) return misfit
      const whole = BigInt(String(value))
      return whole >= least && whole <= most ? whole : misfit
    }
  }
}

/** A whole number in JSON: a text where a number would be another one. */
export const ofBigInt = (value: unknown): unknown => {
  if (!Predicate.isBigInt(value)) return value
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : String(value)
}

/** A number in JSON, as Effect's `Number` writes it. */
export const ofNumber = (value: unknown): unknown =>
  Predicate.isNumber(value) && !Number.isFinite(value) ? String(value) : value

const floating = (fits: (value: number) => boolean) => (value: unknown) => {
  if (Predicate.isNumber(value)) return fits(value) ? value : misfit
  return value === "NaN" || value === "Infinity" || value === "-Infinity" ? Number(value) : misfit
}

const bytes = (length: number | undefined): Codec => ({
  decode: (stored) => (stored instanceof Uint8Array ? Base64.encode(stored) : stored),
  encode: (value) => {
    if (!Predicate.isString(value)) return misfit
    const decoded = Option.getOrUndefined(Result.getSuccess(Base64.decode(value)))
    if (decoded === undefined || Base64.encode(decoded) !== value) return misfit
    return length === undefined || decoded.length === length ? decoded : misfit
  }
})

const uuid: Codec = {
  decode: (stored) => {
    if (!(stored instanceof Uint8Array)) return stored
    const hex = Array.from(stored, (byte) => byte.toString(16).padStart(2, "0")).join("")
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-")
  },
  encode: (value) =>
    Predicate.isString(value) && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value) ? value : misfit
}
