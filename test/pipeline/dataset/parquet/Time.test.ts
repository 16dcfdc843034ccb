import { assert, describe, it } from "@effect/vitest"
import * as Time from "../../../../src/pipeline/dataset/parquet/Time.ts"

describe("Time", () => {
  it("shows a timestamp with milliseconds, and with more digits where there are more", () => {
    const micros = timestamp("MICROS")
    assert.strictEqual(micros?.format(1_500_000n), "1970-01-01T00:00:01.500Z")
    assert.strictEqual(micros?.format(1_500_001n), "1970-01-01T00:00:01.500001Z")
    assert.strictEqual(micros?.format(-1n), "1969-12-31T23:59:59.999999Z")
    assert.strictEqual(timestamp("NANOS")?.format(1n), "1970-01-01T00:00:00.000000001Z")
  })

  it("reads every timestamp that it shows", () => {
    for (const unit of ["MILLIS", "MICROS", "NANOS"] as const) {
      for (const count of [0n, 1n, -1n, 999n, 1_234_567_890_123n, -1_234_567_890_123n]) {
        const column = timestamp(unit)
        assert.strictEqual(column?.parse(String(column.format(count))), count)
      }
    }
  })

  it("refuses more digits than the unit has, and texts of another form", () => {
    assert.strictEqual(timestamp("MILLIS")?.parse("1970-01-01T00:00:00.0001Z"), undefined)
    for (const text of ["1970-01-01", "yesterday", "1970-01-01T00:00:00"]) {
      assert.strictEqual(timestamp("MILLIS")?.parse(text), undefined)
    }
  })

  it("shows and reads a time of day", () => {
    const time = Time.unitOf({
      name: "t",
      type: "INT64",
      logical_type: { type: "TIME", isAdjustedToUTC: true, unit: "MICROS" }
    })
    assert.strictEqual(time?.format(45_296_000_789n), "12:34:56.000789")
    assert.strictEqual(time?.parse("12:34:56.000789"), 45_296_000_789n)
    const millis = Time.unitOf({ name: "t", type: "INT32", converted_type: "TIME_MILLIS" })
    assert.strictEqual(millis?.parse(String(millis.format(1))), 1)
  })

  it("shows and reads a date", () => {
    assert.strictEqual(Time.date(-1), "1969-12-31")
    assert.strictEqual(Time.parseDate("2024-02-29"), 19782)
    assert.strictEqual(Time.parseDate("2024-02-29T00:00:00.000Z"), undefined)
  })
})

const timestamp = (unit: "MILLIS" | "MICROS" | "NANOS") =>
  Time.unitOf({ name: "t", type: "INT64", logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit } })
