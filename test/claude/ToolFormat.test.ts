import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { Tool } from "effect/ai"
import * as ToolFormat from "../../src/claude/ToolFormat.ts"

describe("ToolFormat", () => {
  it("sends the API's subset of a schema, with its words, and the name and the description of the tool", () => {
    const add = Tool.make("add", {
      description: "Adds",
      parameters: Schema.Struct({ a: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })) })
    })
    const { definition } = format(add)
    assert.deepStrictEqual(definition, {
      name: "add",
      description: "Adds",
      input_schema: {
        type: "object",
        properties: { a: { type: "integer", description: "Constraints: at least 0; at most 9." } },
        required: ["a"],
        additionalProperties: false
      }
    } as never)
  })

  it.effect("decodes with the codec and encodes with the schema of the tool, which Toolkit.handle expects", () =>
    Effect.gen(function* () {
      const at = Tool.make("at", {
        parameters: Schema.Struct({ when: Schema.Date, tags: Schema.ReadonlyMap(Schema.String, Schema.Int) })
      })
      const { decode, toEncoded } = format(at)
      const input = { when: "2026-01-02T03:04:05.000Z", tags: [{ key: "a", value: 1 }] }
      const expected = { when: new Date("2026-01-02T03:04:05.000Z"), tags: new Map([["a", 1]]) }
      assert.deepStrictEqual(yield* run(decode(input)), expected)
      const encoded = yield* run(toEncoded(input))
      assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(at.parametersSchema)(encoded), expected)
    })
  )

  it.effect("decodes an optional map and an optional tuple", () =>
    Effect.gen(function* () {
      const Parameters = Schema.Struct({
        map: Schema.optionalKey(Schema.Record(Schema.String, Schema.Finite)),
        pair: Schema.optionalKey(Schema.Tuple([Schema.String, Schema.Finite]))
      })
      const { decode } = format(Tool.make("both", { parameters: Parameters }))
      assert.deepStrictEqual(yield* run(decode({})), {})
      const sent = { map: [{ key: "x", value: 2 }], pair: { "0": "a", "1": 1 } }
      assert.deepStrictEqual(yield* run(decode(sent)), { map: { x: 2 }, pair: ["a", 1] })
    })
  )

  it.effect("sends an empty object for no parameters, however they are declared", () =>
    Effect.gen(function* () {
      for (const tool of [Tool.make("now"), Tool.make("now", { parameters: Schema.Struct({}) })]) {
        const { decode, definition } = format(tool)
        const input_schema = { type: "object", properties: {}, required: [], additionalProperties: false }
        assert.deepStrictEqual(definition, { name: "now", input_schema } as never)
        assert.deepStrictEqual(yield* run(decode({})), {})
        assert.deepStrictEqual(yield* run(decode({ unasked: 1 })), {})
      }
    })
  )

  it.effect("sends a recursive schema whole, with an object at its root", () =>
    Effect.gen(function* () {
      const { decode, definition } = format(Tool.make("walk", { parameters: Tree }))
      const { input_schema: schema } = definition as { readonly input_schema: Record<string, unknown> }
      assert.strictEqual(schema["type"], "object")
      assert.isFalse("$ref" in schema)
      assert.isTrue("$defs" in schema)
      const tree = { name: "a", children: [{ name: "b", children: [] }] }
      assert.deepStrictEqual(yield* run(decode(tree)), tree)
    })
  )

  it.effect("refuses arguments that are nested too deep as it refuses all others", () =>
    Effect.gen(function* () {
      const { decode, toEncoded } = format(Tool.make("plant", { parameters: Tree }))
      let tree: object = { name: "a", children: [] }
      for (let level = 0; level < 20_000; level++) tree = { name: "a", children: [tree] }
      for (const read of [decode, toEncoded]) {
        assert.isTrue(Schema.isSchemaError(yield* Effect.flip(run(read(tree)))))
      }
    })
  )

  it("refuses a strict tool with a recursive schema, and names the path", () => {
    const strict = Tool.make("walk", { parameters: Tree }).annotate(Tool.Strict, true)
    const message = Result.match(ToolFormat.make(strict), {
      onSuccess: () => "accepted",
      onFailure: (error) => error.message
    })
    assert.match(message, /parameters of the tool walk: .*contains itself at Tree\["children"\]/)
  })

  it("sends more optional keys than a strict schema may have, unless the tool is strict", () => {
    const fields = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`k${at}`, Schema.optionalKey(Schema.Int)]))
    const tool = Tool.make("many", { parameters: Schema.Struct(fields) })
    assert.isTrue(Result.isSuccess(ToolFormat.make(tool)))
    assert.isTrue(Result.isFailure(ToolFormat.make(tool.annotate(Tool.Strict, true))))
  })

  it.effect("sends the JSON Schema of a dynamic tool unchanged, and passes its arguments on", () =>
    Effect.gen(function* () {
      const parameters = {
        type: "object",
        properties: { path: { type: "string", minLength: 1 } },
        $schema: "x"
      } as const
      const { decode, definition, toEncoded } = format(Tool.dynamic("read", { parameters }))
      assert.deepStrictEqual(definition, { name: "read", input_schema: parameters } as never)
      assert.deepStrictEqual(yield* run(decode({ path: 1 })), { path: 1 })
      assert.deepStrictEqual(yield* run(toEncoded({ path: 1 })), { path: 1 })
    })
  )

  it.effect("renames keys that the API refuses, and decodes the arguments with their own", () =>
    Effect.gen(function* () {
      const { decode, definition, toEncoded } = format(
        Tool.make("measure", { parameters: Schema.Struct({ größe: Schema.FiniteFromString }) })
      )
      assert.deepStrictEqual(definition, {
        name: "measure",
        input_schema: {
          type: "object",
          properties: {
            gr__e: {
              type: "string",
              description: "größe: Constraints: a string that will be decoded as a finite number."
            }
          },
          required: ["gr__e"],
          additionalProperties: false
        }
      } as never)
      assert.deepStrictEqual(yield* run(decode({ gr__e: "3" })), { größe: 3 })
      assert.deepStrictEqual(yield* run(toEncoded({ gr__e: "3" })), { größe: "3" })
    })
  )

  it("refuses a schema that is nested too deep to be sent, and names the tool", () => {
    for (const keyword of ["anyOf", "examples"]) {
      const deep = Array.from({ length: 50_000 }).reduce<object>((schema) => ({ [keyword]: [schema] }), {})
      const format = ToolFormat.make(Tool.dynamic("walk", { parameters: { type: "object", ...deep } }))
      assert.match(
        Result.isFailure(format) ? format.failure.message : "",
        /the parameters of the tool walk are no JSON, or are nested too deep; leave the tool out/
      )
    }
  })

  it("replaces characters that the API refuses in names, and keeps names different", () => {
    const tools = [Tool.make("files.read"), Tool.make("files read"), Tool.make("ä".repeat(80))]
    const formats = Result.getOrThrow(ToolFormat.all(Object.fromEntries(tools.map((tool) => [tool.name, tool]))))
    const names = formats.definitions.map((one) => "name" in one && one.name)
    assert.deepStrictEqual(names, ["files_read", "files_read_2", "_".repeat(64)])
    assert.strictEqual(formats.find("files_read_2")?.tool.name, "files read")
    assert.isUndefined(formats.find("files read"))
  })

  it("sends a tool of Anthropic by its type and its settings", () => {
    const search = Tool.providerDefined({
      id: "anthropic.web_search_20260318",
      customName: "WebSearch",
      providerName: "web_search",
      args: Schema.Struct({ max_uses: Schema.Int })
    })({ max_uses: 3 })
    const { definition, isServerTool } = format(search)
    assert.deepStrictEqual(definition, { type: "web_search_20260318", name: "web_search", max_uses: 3 } as never)
    assert.isTrue(isServerTool)
  })

  it("refuses a tool of another provider", () => {
    const tool = Tool.providerDefined({ id: "openai.web_search", customName: "W", providerName: "web_search" })(
      undefined
    )
    assert.isTrue(Result.isFailure(ToolFormat.make(tool)))
  })
})

interface Tree {
  readonly name: string
  readonly children: ReadonlyArray<Tree>
}

const Tree = Schema.Struct({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Tree> => Tree))
}).annotate({ identifier: "Tree" })

const format = (tool: Tool.Any): ToolFormat.ToolFormat => Result.getOrThrow(ToolFormat.make(tool))

/** The schemas of these tests need no services. */
const run = <A, E>(effect: Effect.Effect<A, E, unknown>): Effect.Effect<A, E> => effect as Effect.Effect<A, E>
