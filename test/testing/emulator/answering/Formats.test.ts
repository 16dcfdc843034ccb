import { assert, describe, it } from "@effect/vitest"
import * as Formats from "../../../../src/testing/emulator/answering/Formats.ts"

const text =
  "Ann <ann.lee@mail.example.org> logged in from 192.168.0.12 (fe80:0:0:0:1:2:3:4) at 2026-03-04T10:20:30Z, " +
  "for PT45M, order 7b0e1c7e-58cc-4372-a567-0e02b2c3d479, see https://example.org/a?b=1."

describe("Formats.find", () => {
  it("finds the first string of a format", () => {
    const found = {
      email: "ann.lee@mail.example.org",
      hostname: "ann.lee",
      ipv4: "192.168.0.12",
      ipv6: "fe80:0:0:0:1:2:3:4",
      "date-time": "2026-03-04T10:20:30Z",
      date: "2026-03-04",
      time: "10:20:30Z",
      duration: "PT45M",
      uuid: "7b0e1c7e-58cc-4372-a567-0e02b2c3d479",
      uri: "https://example.org/a?b=1"
    }
    for (const [format, expected] of Object.entries(found)) {
      assert.strictEqual(Formats.find(format, ["nothing", text]), expected)
    }
  })

  it("returns a valid value if there is no match, and undefined for an unknown format", () => {
    assert.strictEqual(Formats.find("date", ["2026-13-41"]), "1970-01-01")
    assert.strictEqual(Formats.find("uuid", []), "00000000-0000-0000-0000-000000000000")
    assert.strictEqual(Formats.find("regex", [text]), undefined)
  })
})
