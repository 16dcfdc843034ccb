import type { Anthropic } from "@anthropic-ai/sdk"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { codeExecution } from "../../../src/call/tools/ServerTools.ts"
import * as OutputFormat from "../../../src/claude/OutputFormat.ts"
import * as ToolFormat from "../../../src/claude/ToolFormat.ts"
import * as WholeParts from "../../../src/call/languageModel/WholeParts.ts"
import { blocks, call, readFile, tools } from "./blocks.ts"

describe("the parts of an answer", () => {
  it.effect("have citations in the metadata of the text, and name each source once", () =>
    Effect.gen(function* () {
      const [text, source, ...rest] = yield* partsOf([...blocks.cited(0), ...blocks.cited(0)], tools)
      assert(text?.type === "text")
      assert.deepInclude(text.metadata?.anthropic?.citations?.[0], { type: "page_location", cited_text: "It is." })
      assert.deepStrictEqual<unknown>(source, {
        type: "source",
        sourceType: "document",
        id: "document-0",
        mediaType: "application/pdf",
        title: "document 1"
      })
      assert.deepStrictEqual(
        rest.map(({ type }) => type),
        ["text"]
      )
    })
  )

  it.effect("have the name of the toolkit, and the name that Claude called in the metadata", () =>
    Effect.gen(function* () {
      const [part] = yield* partsOf(blocks.call(0), tools)
      assert.deepStrictEqual<unknown>(part, {
        type: "tool-call",
        id: "toolu_0",
        name: "files.read",
        params: { path: "a.txt" },
        metadata: { anthropic: { name: "files_read", caller: { type: "direct" } } }
      })
    })
  )

  it.effect("have the arguments as Claude sent them in the metadata, where the toolkit takes another shape", () =>
    Effect.gen(function* () {
      const params = { path: "a.txt", env: { A: 1 } }
      // The API has no maps, so Claude sends a list.
      const input = Result.getOrThrow(OutputFormat.make(readFile.parametersSchema)).write(params)
      const [part] = yield* partsOf([callOf(input)], tools)
      assert(part?.type === "tool-call")
      assert.notDeepEqual(input, params)
      assert.deepStrictEqual(part.params, params)
      assert.deepStrictEqual<unknown>(part.metadata?.anthropic?.input, input)
    })
  )

  it.effect("leave arguments that do not fit to the toolkit, which reports them", () =>
    Effect.gen(function* () {
      const [part] = yield* partsOf([callOf({ path: 3 })], tools)
      assert(part?.type === "tool-call")
      assert.deepStrictEqual(part.params, { path: 3 })
    })
  )

  it.effect("fail for a tool that the toolkit does not have, unless the caller accepts any", () =>
    Effect.gen(function* () {
      const unknown = [{ ...callOf({}), name: "launch" }]
      const error = yield* Effect.flip(partsOf(unknown, tools))
      assert.strictEqual(error.message, "Tool 'launch' not found. Available tools: files.read, search")
      const [part] = yield* partsOf(unknown, { ...tools, acceptsUnknown: true })
      assert(part?.type === "tool-call")
      assert.strictEqual(part.name, "launch")
    })
  )

  it.effect("have the calls, the results and the sources of a server tool in the toolkit", () =>
    Effect.gen(function* () {
      const [part, result, source] = yield* partsOf(blocks.search(0), tools)
      assert(part?.type === "tool-call" && result?.type === "tool-result" && source?.type === "source")
      assert.deepStrictEqual([part.name, part.providerExecuted, part.params], ["search", true, { query: "x" }])
      assert.deepStrictEqual([result.name, result.providerExecuted, result.isFailure], ["search", true, false])
      assert.deepStrictEqual<unknown>(result.metadata?.anthropic?.block, blocks.search(0)[1])
      assert.strictEqual(source.title, "Example")
    })
  )

  it.effect("have the tool code_execution in the calls and results of its commands", () =>
    Effect.gen(function* () {
      const formats = Result.getOrThrow(ToolFormat.all({ codeExecution: codeExecution() }))
      const command = {
        type: "server_tool_use" as const,
        id: "srvtoolu_1",
        name: "bash_code_execution" as const,
        input: { command: "ls" },
        caller: { type: "direct" as const }
      }
      const [part] = yield* partsOf([command], { names: ["code_execution"], formats, acceptsUnknown: false })
      assert.deepInclude(part, { type: "tool-call", name: "code_execution", params: { command: "ls" } })
    })
  )

  it.effect("have an empty text with the block for a server tool outside of the toolkit", () =>
    Effect.gen(function* () {
      const parts = yield* partsOf(blocks.execution(0), tools)
      assert.deepStrictEqual<unknown>(
        parts,
        blocks.execution(0).map((block) => ({ type: "text", text: "", metadata: { anthropic: { block } } }))
      )
    })
  )
})

// Builders

const partsOf = (content: ReadonlyArray<Anthropic.ContentBlock>, given = tools) =>
  WholeParts.make({ content: [...content], model: "claude-sonnet-5-5" }, given)

const callOf = (input: unknown): Anthropic.ToolUseBlock => ({ ...call, input })
