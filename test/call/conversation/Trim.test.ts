import { assert, describe, it } from "@effect/vitest"
import { empty, type History, type Turn } from "../../../src/call/conversation/History.ts"
import { firstTurn } from "../../../src/call/conversation/Trim.ts"
import { request } from "../../fixtures.ts"

describe("trimming", () => {
  it("leaves out no turn while the prompt is short enough, by the tokens that the API counted", () => {
    const history = turns(
      Array.from({ length: 10 }, () => 100),
      9000
    )
    assert.strictEqual(firstTurn(history, settings, next, { above: 9100 }), 0)
    assert.isAbove(firstTurn(history, settings, next, { above: 9000 }), 0)
  })

  it("keeps the latest turns, up to their share of the tokens", () => {
    const history = turns(
      Array.from({ length: 40 }, () => 1000),
      12_000
    )
    for (const [keep, first] of [
      [0.25, 31],
      [0.5, 21],
      [1, 1]
    ] as const) {
      assert.strictEqual(firstTurn(history, settings, next, { above: 12_000, keep }), first, `${keep}`)
    }
    assert.strictEqual(
      firstTurn(history, settings, next, { above: 12_000 }),
      firstTurn(history, settings, next, { above: 12_000, keep: 0.25 })
    )
  })

  it("weighs each turn, and does not count tools and system prompt as turns", () => {
    const history = turns([10_000, 100, 100, 100], 3000)
    assert.strictEqual(firstTurn(history, settings, next, { above: 3000 }), 1)
    const system = { ...settings, system: "word ".repeat(4000) }
    const sizes = Array.from({ length: 8 }, () => 2500)
    assert.strictEqual(firstTurn(turns(sizes, 12_000), system, next, { above: 12_000, keep: 0.5 }), 5)
  })

  it("keeps the last turn, at any length", () => {
    assert.strictEqual(firstTurn(turns([100, 50_000], 20_000), settings, next, { above: 1000 }), 1)
    assert.strictEqual(firstTurn(turns([50_000], 20_000), settings, next, { above: 1000 }), 0)
    assert.strictEqual(firstTurn(empty, settings, next, { above: 1 }), 0)
  })

  it("estimates imported turns, which the API has not counted", () => {
    const { turns: counted } = turns(
      Array.from({ length: 20 }, () => 4000),
      0
    )
    const history = { turns: counted.map(({ from, messages }) => ({ from, messages })) }
    assert.strictEqual(firstTurn(history, settings, next, { above: 100_000 }), 0)
    assert.isAbove(firstTurn(history, settings, next, { above: 10_000 }), 10)
  })

  it("does not send again what the last request left out", () => {
    const { turns: all } = turns(
      Array.from({ length: 10 }, () => 100),
      500
    )
    const history = { turns: all.map((turn, at) => ({ ...turn, from: Math.min(at, 7) })) }
    assert.strictEqual(firstTurn(history, settings, next, { above: 10_000 }), 7)
  })
})

// Builders

const { messages: _, ...rest } = request
const settings = { ...rest, messages: [] }

const next = { role: "user" as const, content: "Next?" }

/** Turns with answers of these lengths; the API counted `tokens` for the last prompt and answer. */
const turns = (lengths: ReadonlyArray<number>, tokens: number): History => ({
  turns: lengths.map((length): Turn => ({
    messages: [
      { role: "user", content: "A question?" },
      { role: "assistant", content: "word ".repeat(length / 5) }
    ],
    from: 0,
    tokens
  }))
})
