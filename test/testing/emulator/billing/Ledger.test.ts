import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import * as Usage from "../../../../src/claude/Usage.ts"
import * as App from "../../../../src/testing/emulator/App.ts"
import * as Exchange from "../../../../src/testing/emulator/wire/Exchange.ts"
import * as Ledger from "../../../../src/testing/emulator/billing/Ledger.ts"
import * as SpendLimit from "../../../../src/testing/emulator/billing/SpendLimit.ts"

describe("Ledger", () => {
  it.effect("returns its entries at any length, in code and as JSON", () =>
    Effect.gen(function* () {
      const ledger = empty()
      const expected = Array.from({ length: 10_000 }, (_, row) => ({
        requestHash: hash(row),
        model: `claude-${row % 3}`,
        usage: Usage.fromMessage(usage(row))
      }))
      for (const [row, { model, requestHash }] of expected.entries()) ledger.open(requestHash, model)(usage(row), 0)
      assert.deepStrictEqual(ledger.entries(), expected)
      const text = yield* read(ledger)
      assert.deepStrictEqual(yield* decode(text), { calls: expected })
      assert.lengthOf(text.trim().split("\n"), 2 + expected.length)
    })
  )

  it("has the usage of a reply from code, as a client reads it", () => {
    const ledger = empty()
    const odd = { ...usage(1), cache_creation_input_tokens: 5000 }
    const none = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 }
    ledger.open(hash(1), "a")({ ...odd, cache_creation: none }, 0)
    ledger.open(hash(2), "a")(Object.assign(odd, { cache_creation: null }), 0)
    assert.deepStrictEqual(
      ledger.entries().map(({ usage }) => usage.cacheWrite5m),
      [5000, 5000]
    )
  })

  it.effect("is empty at first", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* decode(yield* read(empty())), { calls: [] })
    })
  )

  it("has a call from its first bill on, and keeps its last bill", () => {
    const ledger = empty()
    const [first, second] = [ledger.open(hash(1), "a"), ledger.open(hash(2), "b")]
    second(usage(1), 0)
    first(usage(2), 0)
    second(usage(3), 0)
    assert.deepStrictEqual(
      ledger.entries().map(({ model, usage }) => [model, usage.input]),
      [
        ["b", 3],
        ["a", 2]
      ]
    )
  })

  it("uses less than 80 bytes for each call", () => {
    const ledger = empty()
    const warmUp = 10_000
    const calls = 100_000
    const bill = (row: number) => ledger.open(hash(row), "claude-haiku-4-5")(usage(row), 0)
    for (let row = 0; row < warmUp; row += 1) bill(row)
    const before = held()
    for (let row = 0; row < calls; row += 1) bill(warmUp + row)
    assert.isBelow((held() - before) / calls, 80)
    assert.lengthOf(ledger.entries(), warmUp + calls)
  })

  it.effect.each([
    ["without faults", undefined],
    ["with faults", [{ kind: 529, rate: 0 }] as const]
  ] as const)("leaves an emulator %s with at most 400 bytes of a call in all", ([, faults]) =>
    Effect.gen(function* () {
      const app = yield* App.make({ faults })
      const call = (row: number) =>
        app.handle({
          method: "POST",
          path: "/v1/messages",
          headers: { "x-api-key": "key", "anthropic-version": "2026-10-21" },
          body: JSON.stringify({
            model: "claude-haiku-4-5",
            max_tokens: 10,
            messages: [{ role: "user", content: `Row ${row}` }]
          })
        })
      for (let row = 0; row < 2000; row += 1) yield* call(row)
      const before = held()
      for (let row = 0; row < 10_000; row += 1) yield* call(2000 + row)
      assert.isBelow((held() - before) / 10_000, 400)
      assert.lengthOf(yield* app.ledger, 12_000)
    })
  )
})

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

const held = () => {
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const empty = () => Ledger.make(SpendLimit.make(undefined))

const hash = (row: number) => bytesToHex(sha256(utf8ToBytes(`${row}`)))

const usage = (row: number): Usage.ApiUsage => ({
  input_tokens: row,
  output_tokens: row + 1,
  cache_creation_input_tokens: 2 * row + 5,
  cache_read_input_tokens: row + 4,
  cache_creation: { ephemeral_5m_input_tokens: row + 2, ephemeral_1h_input_tokens: row + 3 },
  service_tier: row % 2 === 0 ? "standard" : "batch"
})

const read = ({ toResponse }: Ledger.Ledger) => {
  const { body } = toResponse()
  return typeof body === "string" ? Effect.succeed(body) : Stream.mkString(Stream.map(body, Exchange.text))
}

const decode = Schema.decodeEffect(Schema.fromJsonString(Schema.Unknown))
