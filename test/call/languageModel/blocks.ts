/**
 * Blocks of every kind that an answer can have, and a toolkit that knows some of their tools.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Tool from "effect/ai/Tool"
import type * as Parts from "../../../src/call/languageModel/Parts.ts"
import * as ToolFormat from "../../../src/claude/ToolFormat.ts"

/** The API takes no dot in a name, so Claude calls it `files_read`. */
export const readFile = Tool.make("files.read", {
  parameters: Schema.Struct({ path: Schema.String, env: Schema.optionalKey(Schema.Record(Schema.String, Schema.Int)) }),
  success: Schema.String
})

/** A server tool whose results the toolkit takes. */
export const search = Tool.providerDefined({
  id: "anthropic.web_search_20260318",
  customName: "search",
  providerName: "web_search",
  parameters: Schema.Unknown,
  success: Schema.Unknown,
  failure: Schema.Unknown
})(undefined)

export const tools: Parts.Tools = {
  names: ["files.read", "search"],
  formats: Result.getOrThrow(ToolFormat.all({ "files.read": readFile, search })),
  acceptsUnknown: false
}

type Blocks = (at: number) => ReadonlyArray<Anthropic.ContentBlock>

const direct = { caller: { type: "direct" } } as const

/** A call of `readFile`. */
export const call: Anthropic.ToolUseBlock = {
  type: "tool_use",
  id: "toolu_0",
  name: "files_read",
  input: { path: "a.txt" },
  ...direct
}

/** The blocks of each kind, with the number of their place in their ids. */
export const blocks = {
  text: () => [{ type: "text", text: "Hello you.", citations: null }],
  cited: (at) => [
    {
      type: "text",
      text: "So it is.",
      citations: [
        {
          type: "page_location",
          cited_text: "It is.",
          document_index: at,
          document_title: null,
          start_page_number: 1,
          end_page_number: 2,
          file_id: null
        }
      ]
    }
  ],
  thinking: () => [{ type: "thinking", thinking: "hm, well", signature: "sig" }],
  silent: () => [{ type: "thinking", thinking: "", signature: "sig" }],
  redacted: () => [{ type: "redacted_thinking", data: "secret" }],
  call: (at) => [{ ...call, id: `toolu_${at}` }],
  search: (at) => [
    { type: "server_tool_use", id: `srvtoolu_${at}`, name: "web_search", input: { query: "x" }, ...direct },
    {
      type: "web_search_tool_result",
      tool_use_id: `srvtoolu_${at}`,
      content: [
        {
          type: "web_search_result",
          url: "https://example.com/",
          title: "Example",
          encrypted_content: "e",
          page_age: null
        }
      ],
      ...direct
    }
  ],
  /** A tool that is not in the toolkit. */
  execution: (at) => [
    { type: "server_tool_use", id: `srvtoolu_${at}`, name: "bash_code_execution", input: { command: "ls" }, ...direct },
    {
      type: "bash_code_execution_tool_result",
      tool_use_id: `srvtoolu_${at}`,
      content: { type: "bash_code_execution_tool_result_error", error_code: "unavailable" }
    }
  ],
  upload: () => [{ type: "container_upload", file_id: "file_1" }]
} satisfies Readonly<Record<string, Blocks>>
