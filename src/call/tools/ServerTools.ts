/**
 * Tools of Anthropic that the API runs: web search, web fetch and code execution. Put them into a `Toolkit` beside your
 * tools; they need no handler. Their calls and results are blocks of the messages, and `Cost` includes their price.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Schema from "effect/Schema"
import * as Tool from "effect/ai/Tool"

type Settings<T> = Omit<T, "type" | "name">

/** The settings have the API's names, and the API checks their values. */
const settings = <T>() => Schema.declare((value): value is Settings<T> => typeof value === "object")

/** With the default, no value, `Chat` would lose the results and could not be restored from its export. */
const anything = { parameters: Schema.Unknown, success: Schema.Unknown, failure: Schema.Unknown }

/** Searches the web. */
export const webSearch = (options: Settings<Anthropic.WebSearchTool20260318> = {}) =>
  Tool.providerDefined({
    id: "anthropic.web_search_20260318",
    customName: "web_search",
    providerName: "web_search",
    args: settings<Anthropic.WebSearchTool20260318>(),
    ...anything
  })(options)

/** Reads pages and PDF files from the web. */
export const webFetch = (options: Settings<Anthropic.WebFetchTool20260318> = {}) =>
  Tool.providerDefined({
    id: "anthropic.web_fetch_20260318",
    customName: "web_fetch",
    providerName: "web_fetch",
    args: settings<Anthropic.WebFetchTool20260318>(),
    ...anything
  })(options)

/** Runs code in a container of the API. A later turn of the loop uses the same container. */
export const codeExecution = (options: Settings<Anthropic.CodeExecutionTool20260521> = {}) =>
  Tool.providerDefined({
    id: "anthropic.code_execution_20260521",
    customName: "code_execution",
    providerName: "code_execution",
    args: settings<Anthropic.CodeExecutionTool20260521>(),
    ...anything
  })(options)
