/**
 * What this library reads from the `options.anthropic` of a prompt, and writes to the `metadata.anthropic` of a response.
 * `Chat` turns the metadata of a response part into the options of the same part in its history, so both are one type.
 * Importing `LanguageModel` adds these types to effect/ai.
 */
import type { Anthropic } from "@anthropic-ai/sdk"
import * as Predicate from "effect/Predicate"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"

/** A value of the options, and of the metadata, of effect/ai. */
type Json = Prompt.ProviderOptions[string] | Response.ProviderMetadata[string]

/** A type of the SDK as plain JSON. effect/ai accepts options of a JSON type only, which an interface is not. */
export type Plain<T> = T extends Json ? T : { readonly [K in keyof T]: Plain<T[K]> }

/** A breakpoint of the prompt cache. */
export type CacheControl = { readonly type: "ephemeral"; readonly ttl?: "5m" | "1h" }

/** On a message, the breakpoint is on its last block. */
export type CacheOptions = { readonly cacheControl?: CacheControl | null }

/** A tool that the API runs or defines, as the API has it, such as `{ type: "web_search_20260318", name: "web_search" }`. */
export type ServerTool = Plain<Exclude<Anthropic.ToolUnion, Anthropic.Tool>>

/** Settings of the request. They hold from their message on, until a later message sets them again. */
export type RequestOptions = CacheOptions & {
  readonly thinking?: Plain<Anthropic.ThinkingConfigParam> | null
  readonly effort?: "low" | "medium" | "high" | "xhigh" | "max" | null
  /** Added to the tools of the toolkit. */
  readonly serverTools?: ReadonlyArray<ServerTool> | null
  /** Betas of the API. All messages of a prompt together count. */
  readonly betas?: ReadonlyArray<string> | null
}

/** A block as the API sent it. It is sent back unchanged. */
export type RawBlock = { readonly [field: string]: Json }

/** `block` takes the place of the text: a block that effect/ai has no part for. */
export type TextOptions = CacheOptions & {
  readonly citations?: ReadonlyArray<RawBlock> | null
  readonly block?: RawBlock | null
}

/** What the API needs to accept its own thinking again, and the only model that does. */
export type ReasoningOptions = {
  readonly signature?: string | null
  readonly redactedData?: string | null
  readonly model?: string | null
}

/** How a document is presented to Claude. `fileId` names a file of the Files API, and replaces the data. */
export type FileOptions = CacheOptions & {
  readonly fileId?: string | null
  readonly citations?: { readonly enabled: boolean } | null
  readonly documentTitle?: string | null
  readonly documentContext?: string | null
}

/** The call as Claude made it, where the part has something else. `block`: the call of a tool that the API ran. */
export type ToolCallOptions = CacheOptions & {
  readonly name?: string | null
  readonly input?: Json
  readonly caller?: RawBlock | null
  readonly toolsetName?: string | null
  readonly block?: RawBlock | null
}

/** `block`: the result of a tool that the API ran. */
export type ToolResultOptions = CacheOptions & { readonly block?: RawBlock | null }

/** Facts of the reply. */
export type ResponseOptions = { readonly requestId?: string | null; readonly origin?: string | null }

/** How the answer ended and what it was billed. `cost` is in US dollars, for all calls of the turn. */
export type FinishOptions = {
  readonly stopReason?: string | null
  readonly stopSequence?: string | null
  readonly stopDetails?: RawBlock | null
  /** The usage of the last call, as the API sent it. */
  readonly usage?: RawBlock | null
  readonly cost?: string | null
  readonly container?: RawBlock | null
}

declare module "effect/ai/Prompt" {
  interface SystemMessageOptions extends ProviderOptions {
    readonly anthropic?: RequestOptions | null
  }
  interface UserMessageOptions extends ProviderOptions {
    readonly anthropic?: RequestOptions | null
  }
  interface AssistantMessageOptions extends ProviderOptions {
    readonly anthropic?: CacheOptions | null
  }
  interface ToolMessageOptions extends ProviderOptions {
    readonly anthropic?: CacheOptions | null
  }
  interface TextPartOptions extends ProviderOptions {
    readonly anthropic?: TextOptions | null
  }
  interface ReasoningPartOptions extends ProviderOptions {
    readonly anthropic?: ReasoningOptions | null
  }
  interface FilePartOptions extends ProviderOptions {
    readonly anthropic?: FileOptions | null
  }
  interface ToolCallPartOptions extends ProviderOptions {
    readonly anthropic?: ToolCallOptions | null
  }
  interface ToolResultPartOptions extends ProviderOptions {
    readonly anthropic?: ToolResultOptions | null
  }
}

declare module "effect/ai/Response" {
  interface TextPartMetadata extends ProviderMetadata {
    readonly anthropic?: TextOptions | null
  }
  interface TextEndPartMetadata extends ProviderMetadata {
    readonly anthropic?: TextOptions | null
  }
  interface ReasoningPartMetadata extends ProviderMetadata {
    readonly anthropic?: ReasoningOptions | null
  }
  interface ReasoningEndPartMetadata extends ProviderMetadata {
    readonly anthropic?: ReasoningOptions | null
  }
  interface ToolCallPartMetadata extends ProviderMetadata {
    readonly anthropic?: ToolCallOptions | null
  }
  interface ToolResultPartMetadata extends ProviderMetadata {
    readonly anthropic?: ToolResultOptions | null
  }
  interface ResponseMetadataPartMetadata extends ProviderMetadata {
    readonly anthropic?: ResponseOptions | null
  }
  interface FinishPartMetadata extends ProviderMetadata {
    readonly anthropic?: FinishOptions | null
  }
}

/** The options for Anthropic; empty where there are none, or where another library wrote something else there. */
export const of = <Options extends object>(options: { readonly anthropic?: Options | null }): Partial<Options> =>
  Predicate.isObject(options.anthropic) ? options.anthropic : {}

/** A block of the API as JSON, which it is: it came from JSON. */
export const raw = (block: object): RawBlock => ({ ...block }) as RawBlock
