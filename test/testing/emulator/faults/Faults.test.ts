import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Exchange from "../../../../src/testing/emulator/wire/Exchange.ts"
import * as Faults from "../../../../src/testing/emulator/faults/Faults.ts"

describe("FaultsFromString", () => {
  it.effect("reads the form of the command line", () =>
    Effect.gen(function* () {
      const faults = yield* decode("429:0.02,cut:0.01,529:2x")
      assert.deepStrictEqual(faults, [
        { kind: 429, rate: 0.02 },
        { kind: "cut", rate: 0.01 },
        { kind: 529, times: 2 }
      ])
      assert.strictEqual(yield* Schema.encodeEffect(Faults.FaultsFromString)(faults), "429:0.02,cut:0.01,529:2x")
    })
  )

  it.effect("reads faults of single models, and sums the rates for each model", () =>
    Effect.gen(function* () {
      const text = "claude-sonnet-5-5=529:1,claude-haiku-4-5=cut:2x,claude-opus-5-5=429:0.9,reset:0"
      const faults = yield* decode(text)
      assert.deepStrictEqual(faults, [
        { kind: 529, model: "claude-sonnet-5-5", rate: 1 },
        { kind: "cut", model: "claude-haiku-4-5", times: 2 },
        { kind: 429, model: "claude-opus-5-5", rate: 0.9 },
        { kind: "reset", rate: 0 }
      ])
      assert.strictEqual(yield* Schema.encodeEffect(Faults.FaultsFromString)(faults), text)
      const over = yield* Effect.flip(decode("claude-opus-5-5=429:0.9,529:0.2"))
      assert.include(over.message, "the rates add up to 1.1")
      const mistyped = yield* Effect.flip(decode("claude-sonet-5-5=529:1"))
      assert.include(mistyped.message, "the models are claude-fable-5-2, ")
    })
  )

  it.effect("reports the mistake and the correct form", () =>
    Effect.gen(function* () {
      for (const text of ["429", "429:2", "200:0.5", "429:", "", "529:0.1,x", "cut:0x", "cut:1.5x", "cutx:1x"]) {
        const error = yield* Effect.flip(decode(text))
        assert.include(error.message, "is not a fault: write name:rate, such as 429:0.02", text)
        assert.include(error.message, "the names are 401, 404, 408, 409, 429", text)
      }
      const error = yield* Effect.flip(decode("429:0.7,529:0.7"))
      assert.include(error.message, "the rates add up to 1.4; lower them to 1 or less in all")
    })
  )
})

describe("Faults.make", () => {
  it("chooses each fault about as often as its rate", () => {
    const draw = Faults.make(
      [
        { kind: 429, rate: 0.2 },
        { kind: "cut", rate: 0.1 }
      ],
      1
    )
    const kinds = Array.from({ length: 5000 }, (_, index) => draw(message(`request ${index}`))?.kind)
    const share = (kind: Faults.Kind | undefined) => kinds.filter((drawn) => drawn === kind).length / 5000
    assert.closeTo(share(429), 0.2, 0.02)
    assert.closeTo(share("cut"), 0.1, 0.02)
    assert.closeTo(share(undefined), 0.7, 0.03)
  })

  it("depends on the seed and the repetition of a request, not on other requests", () => {
    const row = (seed: number, between: number) => {
      const draw = Faults.make([{ kind: "cut", rate: 0.5 }], seed)
      return Array.from({ length: 64 }, () => {
        for (let other = 0; other < between; other++) draw(message(`other ${other}`))
        return draw(message("request"))
      })
    }
    assert.deepStrictEqual(row(1, 0), row(1, 3))
    assert.notDeepEqual(row(1, 0), row(2, 0))
    assert.isAbove(new Set(row(1, 0).map((fault) => fault?.kind)).size, 1)
    assert.deepStrictEqual(new Set(row(1, 0).flatMap((fault) => fault?.after ?? [])), new Set([1, 2, 3, 4, 5, 6]))
  })

  it("applies counted faults first, in their order, to each request", () => {
    const draw = Faults.make(
      [
        { kind: "stall", rate: 1 },
        { kind: 529, times: 1 },
        { kind: "cut", times: 2 }
      ],
      0
    )
    for (const body of ["one", "another"]) {
      const kinds = Array.from({ length: 5 }, () => draw(message(body))?.kind)
      assert.deepStrictEqual(kinds, [529, "cut", "cut", "stall", "stall"])
    }
  })

  it("applies a fault of one model only to that model, with or without the date in its id", () => {
    const faults: Faults.Faults = [
      { kind: 529, rate: 1, model: "claude-haiku-4-5" },
      { kind: "cut", times: 1 }
    ]
    const draw = Faults.make(faults, 0)
    const kinds = (model: string) =>
      Array.from({ length: 2 }, () => draw(message(JSON.stringify({ model, messages: [] })))?.kind)
    assert.deepStrictEqual(kinds("claude-haiku-4-5"), ["cut", 529])
    assert.deepStrictEqual(kinds("claude-haiku-4-5-20251001"), ["cut", 529])
    assert.deepStrictEqual(kinds("claude-haiku-5-5"), ["cut", undefined])
  })

  it("applies to messages and batches, unless a script chooses otherwise", () => {
    const all = Faults.make([{ kind: 529, rate: 1 }], 0)
    for (const path of ["/v1/messages?beta=true", "/v1/messages/batches", "/v1/messages/batches/one", Faults.inBatch]) {
      assert.strictEqual(all({ ...message("one"), path })?.kind, 529)
    }
    for (const path of ["/v1/messages/count_tokens", "/v1/models"]) {
      assert.isUndefined(all({ ...message("one"), path }))
    }
    const script = Faults.make(
      ({ path }, arrival) => (path.endsWith("/batches") && arrival === 2 ? { kind: "reset" } : undefined),
      0
    )
    const batch = { ...message("one"), path: "/v1/messages/batches" }
    assert.deepStrictEqual(
      [script(batch)?.kind, script(batch)?.kind, script(batch)?.kind],
      [undefined, "reset", undefined]
    )
  })
})

const decode = Schema.decodeEffect(Faults.FaultsFromString)

const message = (body: string): Exchange.Request => ({ method: "POST", path: "/v1/messages", headers: {}, body })
