import { createHash } from "node:crypto"
import { isDeepStrictEqual } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Struct from "effect/Struct"
import * as Request from "../../src/claude/Request.ts"
import { request } from "../fixtures.ts"

describe("resolve", () => {
  it.effect("turns a text into a user message for the default model", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Request.resolve("Hi"), {
        model: "claude-sonnet-5-5",
        max_tokens: 4096,
        messages: [{ role: "user", content: "Hi" }]
      })
    })
  )

  it.effect("fills in only the missing fields that Defaults has", () =>
    Effect.gen(function* () {
      const messages = request.messages
      const resolved = yield* Effect.all([
        Request.resolve({ messages }),
        Request.resolve({ messages, max_tokens: 1 }),
        Request.resolve({ messages, model: "claude-haiku-5-5", system: "Be brief." })
      ]).pipe(Effect.provideService(Request.Defaults, { model: "claude-opus-5-5", max_tokens: 8192 }))
      assert.deepStrictEqual(resolved, [
        { messages, model: "claude-opus-5-5", max_tokens: 8192 },
        { messages, model: "claude-opus-5-5", max_tokens: 1 },
        { messages, model: "claude-haiku-5-5", max_tokens: 8192, system: "Be brief." }
      ])
    })
  )
})

describe("two requests have the same hash", () => {
  it.prop("with their keys in any order", [Schema.Array(Schema.Finite)], ([order]) => {
    assert.strictEqual(Request.hash(shuffled(rich, order)), Request.hash(rich))
  })

  it.prop("with cache breakpoints in any place", [Schema.Array(Schema.Boolean)], ([where]) => {
    assert.strictEqual(Request.hash(withBreakpoints(rich, where)), Request.hash(rich))
  })

  it("with a system prompt or a message as a text or as one text block", () => {
    const block = (text: string) => [{ type: "text" as const, text, cache_control: { type: "ephemeral" as const } }]
    const texts = { ...request, system: "Be brief.", messages: [{ role: "user" as const, content: "Hi" }] }
    const blocks = {
      ...request,
      system: block("Be brief."),
      messages: [{ role: "user" as const, content: block("Hi") }]
    }
    assert.strictEqual(Request.hash(blocks), Request.hash(texts))
  })

  it.prop("with a default of the API written out anywhere", [Schema.Array(Schema.Boolean)], ([where]) => {
    const spelledOut = defaults.filter((_, at) => where[at % where.length])
    const other = spelledOut.reduce((request, [path, value]) => put(request, path, value), rich)
    assert.strictEqual(Request.hash(other), Request.hash(rich))
  })

  it.each(defaults)("with %s absent or %j", (path, value) => {
    assert.strictEqual(Request.hash(put(rich, path, value)), Request.hash(rich))
  })

  it("with parallel tool use by default or allowed", () => {
    const forced = (more: object) => Request.hash(put(rich, "tool_choice", { type: "tool", name: "find", ...more }))
    assert.strictEqual(forced({ disable_parallel_tool_use: false }), forced({}))
  })

  it("with their betas in any order, and repeated", () => {
    const hashes = [
      ["b", "a"],
      ["a", "b"],
      ["a", "b", "a"]
    ].map((betas) => Request.hash({ ...rich, betas }))
    assert.strictEqual(new Set(hashes).size, 1)
  })

  it("with the names of headers in any case", () => {
    const version = (name: string) => Request.hash({ ...rich, headers: { "Anthropic-A": "1", [name]: "2023-06-01" } })
    assert.strictEqual(version("Anthropic-Version"), version("anthropic-version"))
  })

  it("with a date or its text as the input of a tool, since the wire has the text", () => {
    const called = (at: unknown) => Request.hash(put(rich, "messages.1.content.0.input", { at }))
    assert.strictEqual(called(new Date(0)), called("1970-01-01T00:00:00.000Z"))
  })

  it("with any metadata, automatic cache, and headers for traces and keys", () => {
    const other: Request.Request = {
      ...rich,
      headers: { TraceParent: "00-1-1-01", Authorization: "Bearer t1" },
      metadata: { user_id: "u1" },
      cache_control: { type: "ephemeral", ttl: "1h" }
    }
    assert.strictEqual(Request.hash(other), Request.hash(rich))
  })

  it("with an empty or absent list or system prompt", () => {
    assert.strictEqual(
      Request.hash({ ...rich, system: "", stop_sequences: [], betas: [], tools: [] }),
      Request.hash(Struct.omit(rich, ["system", "stop_sequences", "betas", "tools"]))
    )
  })

  it("with a field absent or undefined", () => {
    // A caller without `exactOptionalPropertyTypes` can write this.
    const other = { ...rich, system: undefined } as unknown as Request.Request
    const { system: _, ...without } = rich
    assert.strictEqual(Request.hash(other), Request.hash(without))
  })
})

describe("two requests have different hashes", () => {
  it.each<[string, Partial<Request.Request>]>([
    ["model", { model: "claude-opus-5-5" }],
    ["max_tokens", { max_tokens: 101 }],
    ["system", { system: "Be long." }],
    ["stop sequences", { stop_sequences: ["a", "b", "d"] }],
    ["order of stop sequences", { stop_sequences: ["c", "b", "a"] }],
    ["betas", { betas: ["context-1m-2025-08-07"] }],
    ["thinking", { thinking: { type: "adaptive" } }],
    ["effort", { output_config: { effort: "low" } }],
    ["tool choice", { tool_choice: { type: "none" } }],
    ["tools", { tools: [] }],
    ["context management of the beta API", { context_management: { edits: [] } }],
    ["role", { messages: [{ role: "assistant", content: "Hi" }] }],
    ["messages", { messages: [...request.messages, ...request.messages] }],
    ["a header of a host", { headers: { "X-Amzn-Bedrock-GuardrailIdentifier": "g1" } }]
  ])("if they differ in %s", (_, change) => {
    assert.notStrictEqual(Request.hash({ ...rich, ...change }), Request.hash(rich))
  })

  it("if a text is in two blocks, or its block has more fields", () => {
    const hashOf = (...content: ReadonlyArray<object>) =>
      Request.hash({ ...request, system: content.map((block) => ({ type: "text", text: "Be brief.", ...block })) })
    const citation = { citations: [{ type: "search_result_location" }] }
    const hashes = [hashOf({}), hashOf({}, {}), hashOf({ text: "Be brief.Be brief." }), hashOf(citation)]
    assert.strictEqual(new Set(hashes).size, 4)
  })

  it("if any field differs or is missing", () => {
    for (const path of leaves(rich)) {
      for (const value of ["", "a", 0, false, true, null, "auto", "custom", "text", [], {}, undefined]) {
        const other = put(rich, path, value)
        assert.strictEqual(Request.hash(other) === Request.hash(rich), isDeepStrictEqual(other, rich), path)
      }
    }
  })

  it.each([
    ["temperature", 1],
    ["thinking", { type: "disabled" }],
    ["output_config", { effort: "high" }],
    ["speed", "standard"],
    ["inference_geo", "global"],
    ["tools.0.allowed_callers", ["direct"]]
  ])("if one of them has %s, whose default is not the same everywhere", (path, value) => {
    assert.notStrictEqual(Request.hash(put(rich, path, value)), Request.hash(rich))
  })

  it("if one of them chooses tools without having any", () => {
    assert.notStrictEqual(Request.hash({ ...request, tool_choice: { type: "auto" } }), Request.hash(request))
  })

  it.prop("if the text differs", [Schema.String, Schema.String], ([one, other]) => {
    const same = Request.hash(asking(one)) === Request.hash(asking(other))
    assert.strictEqual(same, one === other)
  })

  it.prop(
    "if JSON outside the API's fields differs, whatever its names",
    [Schema.Array(Entry), Entry],
    ([entries, more]) => {
      const [json, other] = [Object.fromEntries(entries), Object.fromEntries([...entries, more])]
      for (const path of [
        "messages.1.content.0.input",
        "tools.0.input_schema.properties",
        "tools.0.input_examples.0"
      ]) {
        const same = Request.hash(put(rich, path, json)) === Request.hash(put(rich, path, other))
        assert.strictEqual(same, isDeepStrictEqual(json, other), path)
      }
    }
  )

  it("if the input of a tool has a field named cache_control", () => {
    const called = (input: object) => Request.hash(put(rich, "messages.1.content.0.input", input))
    assert.notStrictEqual(called({ a: 1, cache_control: { type: "ephemeral" } }), called({ a: 1 }))
  })

  it.each(["output_config.format.schema", "tools.0.input_schema", "messages.1.content.0.input"])(
    "if the keys in %s, which Claude sees, are in another order",
    (path) => {
      const format = { type: "json_schema", schema: {} }
      const asked = (json: object) => Request.hash(put(put(rich, "output_config.format", format), path, json))
      const [thought, answer] = [{ type: "string" }, { type: "string" }]
      assert.notStrictEqual(asked({ properties: { thought, answer } }), asked({ properties: { answer, thought } }))
    }
  )

  it("if a tool has a parameter named cache_control", () => {
    const withParameters = (properties: object) =>
      Request.hash({ ...request, tools: [{ name: "f", input_schema: { type: "object", properties } }] })
    assert.notStrictEqual(withParameters({ cache_control: { type: "string" } }), withParameters({}))
    assert.notStrictEqual(withParameters({ input: { cache_control: null } }), withParameters({ input: {} }))
  })
})

describe("canonical", () => {
  it("is a readable text", () => {
    assert.strictEqual(
      Request.canonical({ ...request, headers: { traceparent: "00-1-1-01" } }),
      `{"max_tokens":100,"messages":[{"content":"Hi","role":"user"}],"model":"claude-sonnet-5-5"}`
    )
  })

  it("is hashed with SHA-256", () => {
    const expected = createHash("sha256").update(Request.canonical(request)).digest("hex")
    assert.strictEqual(Request.hash(request), expected)
  })
})

// Builders

const rich: Request.Request = {
  model: "claude-sonnet-5-5",
  max_tokens: 100,
  system: [{ type: "text", text: "Be brief." }],
  messages: [
    {
      role: "user",
      content: [
        { type: "text", text: "What is in it?" },
        { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
        { type: "document", source: { type: "url", url: "https://example.com/a.pdf" } }
      ]
    },
    {
      role: "assistant",
      content: [{ type: "tool_use", id: "t1", name: "find", input: { b: [{ y: 1, x: 2 }], a: 3 } }]
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "t1",
          content: [{ type: "search_result", source: "a", title: "A", content: [{ type: "text", text: "Green." }] }]
        },
        { type: "tool_result", tool_use_id: "t2", is_error: true, content: "Not found." }
      ]
    }
  ],
  tools: [
    { name: "find", input_schema: { type: "object", properties: { b: {}, a: {} } }, input_examples: [{ a: 1 }] },
    { name: "see", input_schema: { type: "object" }, strict: true }
  ],
  stop_sequences: ["a", "b", "c"]
}

/** The defaults that `rich` leaves out. */
const defaults: ReadonlyArray<[path: string, value: unknown]> = [
  ["betas", []],
  ["container", null],
  ["diagnostics", null],
  ["inference_geo", null],
  ["output_config", {}],
  ["output_config", { effort: null, format: null }],
  ["service_tier", "auto"],
  ["service_tier", "standard_only"],
  ["stream", false],
  ["tool_choice", { type: "auto" }],
  ["tool_choice", { type: "auto", disable_parallel_tool_use: false }],
  ["tools.0.type", "custom"],
  ["tools.0.type", null],
  ["tools.0.strict", false],
  ["tools.0.defer_loading", false],
  ["tools.0.eager_input_streaming", null],
  ["messages.0.content.0.citations", null],
  ["messages.0.content.1.transformations", {}],
  ["messages.0.content.1.transformations", { oversized_image: "downsize" }],
  ["messages.0.content.2.citations", { enabled: false }],
  ["messages.0.content.2.title", null],
  ["messages.0.content.2.context", null],
  ["messages.2.content.0.is_error", false],
  ["messages.2.content.0.content.0.citations", {}],
  ["messages.2.content.0.content.0.citations", { enabled: false }]
]

/** A request with another value at a path such as `tools.0.strict`; `undefined` removes the value. */
const put = (request: Request.Request, path: string, value: unknown): Request.Request => {
  const change = (whole: unknown, [name = "", ...rest]: ReadonlyArray<string>): unknown => {
    const part = Predicate.hasProperty(whole, name) ? whole[name] : undefined
    const changed = rest.length === 0 ? value : change(part, rest)
    if (Array.isArray(whole)) return whole.with(Number(name), changed)
    const others = Object.entries(whole ?? {}).filter(([key]) => key !== name)
    return Object.fromEntries(changed === undefined ? others : [...others, [name, changed]])
  }
  // Callers without types can write these values.
  return change(request, path.split(".")) as Request.Request
}

/** The paths of the texts, numbers and flags in a value. */
const leaves = (value: unknown): ReadonlyArray<string> =>
  Predicate.isObjectOrArray(value)
    ? Object.entries(value).flatMap(([name, part]) => leaves(part).map((path) => (path ? `${name}.${path}` : name)))
    : [""]

/** A name and a value that have a meaning in the API's own fields. */
const Entry = Schema.Tuple([
  Schema.Literals(["strict", "is_error", "cache_control", "citations", "content", "__proto__", "constructor"]),
  Schema.NullOr(Schema.Literals([false, true, ""]))
])

const asking = (content: string): Request.Request => ({ ...request, messages: [{ role: "user", content }] })

/** The values that belong to the program, not to the API. */
const verbatim = new Set(["input", "input_schema", "input_examples"])

/** The same value, with the entries of every object of the API changed. */
const rewritten = <A>(value: A, change: (entries: Array<[string, unknown]>) => Array<[string, unknown]>): A => {
  const rewrite = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(rewrite)
    if (!Predicate.isObject(part)) return part
    return Object.fromEntries(
      change(Object.entries(part).map(([key, inner]) => [key, verbatim.has(key) ? inner : rewrite(inner)]))
    )
  }
  // The changes below keep the type: they reorder keys, or add `cache_control`.
  return rewrite(value) as A
}

const shuffled = <A>(value: A, order: ReadonlyArray<number>): A => {
  let next = 0
  return rewritten(value, (entries) =>
    entries
      .map((entry) => ({ entry, rank: order[next++ % order.length] ?? 0 }))
      .toSorted((one, other) => one.rank - other.rank)
      .map(({ entry }) => entry)
  )
}

const isTypeOfBlock = (type: unknown) =>
  ["text", "image", "document", "search_result", "tool_use", "tool_result"].some((known) => known === type)

const withBreakpoints = <A>(value: A, where: ReadonlyArray<boolean>): A => {
  let next = 0
  return rewritten(value, (entries) => {
    const isBlock = entries.some(([key, value]) => key === "input_schema" || (key === "type" && isTypeOfBlock(value)))
    return isBlock && where[next++ % where.length] ? [...entries, ["cache_control", { type: "ephemeral" }]] : entries
  })
}
