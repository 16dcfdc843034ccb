import { assert, describe, it } from "@effect/vitest"
import * as Prompt from "effect/ai/Prompt"
import * as Settings from "../../../src/call/languageModel/Settings.ts"

describe("the settings of a call", () => {
  it("are the layer's, replaced by the fiber's", () => {
    const layer: Settings.Settings = { max_tokens: 9, speed: "fast" }
    assert.deepStrictEqual(Settings.of(layer, { max_tokens: 8 }, Prompt.make("Hi")), { max_tokens: 8, speed: "fast" })
  })

  it("are replaced by options of messages, which hold until a later message sets them again", () => {
    const prompt = Prompt.make([
      { role: "system", content: "Be brief.", options: { anthropic: { effort: "low", betas: ["one"] } } },
      { role: "user", content: "Think.", options: { anthropic: { thinking: { type: "adaptive" }, betas: ["two"] } } },
      { role: "assistant", content: "I did." },
      { role: "user", content: "More.", options: { anthropic: { effort: "max" } } },
      { role: "user", content: "Good." }
    ] satisfies ReadonlyArray<Prompt.MessageEncoded>)
    assert.deepStrictEqual(Settings.of({ betas: ["zero"] }, {}, prompt), {
      betas: ["zero", "one", "two"],
      output_config: { effort: "max" },
      thinking: { type: "adaptive" }
    })
  })

  it("have the server tools of a message beside the layer's", () => {
    const search = { type: "web_search_20260318", name: "web_search", max_uses: 2 } as const
    const fetch = { type: "web_fetch_20260318", name: "web_fetch" } as const
    const prompt = Prompt.make([
      { role: "user", content: "Search.", options: { anthropic: { serverTools: [search] } } }
    ] satisfies ReadonlyArray<Prompt.MessageEncoded>)
    assert.deepStrictEqual(Settings.of({ tools: [fetch] }, {}, prompt).tools, [fetch, search])
  })
})
