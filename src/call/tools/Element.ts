/**
 * The elements of `streamWithTools`, in order: each turn starts, brings thinking, text and calls of tools, and is finished;
 * then its tools run and bring results; the last element is the reply. All are data, discriminated by `_tag`.
 */
import type * as BigDecimal from "effect/BigDecimal"
import type * as Tool from "effect/ai/Tool"
import type * as Reply from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"
import type { Usage } from "../../claude/Usage.ts"
import type { TextReply } from "../turn.ts"
import type { Outcome } from "./Outcome.ts"

type Tools = Readonly<Record<string, Tool.Any>>

/** A call that fits a tool: its id, the name of the tool, and the decoded arguments. */
export type ToolCall<T extends Tools> = {
  readonly [Name in keyof T]: {
    readonly id: string
    readonly name: T[Name]["name"]
    readonly params: Tool.Parameters<T[Name]>
  }
}[keyof T]

/** The request of turn `turn` is sent; the first turn is 1. */
export interface TurnStarted {
  readonly _tag: "turn-started"
  readonly turn: number
}

/** A piece of the text. */
export interface Text {
  readonly _tag: "text"
  readonly text: string
}

/** A piece of the thinking. */
export interface ThinkingPiece {
  readonly _tag: "thinking"
  readonly text: string
}

/**
 * The turn has ended: its message, and its tokens and cost alone. The turn for the value of a schema may have asked twice;
 * then these are of both calls, and the message is the last one.
 */
export interface TurnFinished {
  readonly _tag: "turn-finished"
  readonly turn: number
  readonly message: Reply.Message
  readonly usage: Usage
  readonly cost: BigDecimal.BigDecimal | undefined
}

/** A tool begins. Calls of unknown tools and with invalid arguments have a result only. */
export type ToolCalled<T extends Tools> = ToolCall<T> & { readonly _tag: "tool-call" }

/** A result that the handler reports before it ends. The model does not see it. */
export type ToolProgressed<T extends Tools> = {
  readonly [Name in keyof T]: {
    readonly _tag: "tool-progress"
    readonly id: string
    readonly name: T[Name]["name"]
    readonly result: Tool.SuccessEncoded<T[Name]>
  }
}[keyof T]

/**
 * The result of a call, as the model receives it in `content`. `result` is the encoded success or failure of the handler,
 * and undefined where the handler did not return one. A call has one result, or none where the failure or the defect of
 * its handler is raised: that ends the stream.
 */
export type ToolResult<T extends Tools> = {
  readonly [Name in keyof T]: Omit<Outcome, "result"> & {
    readonly _tag: "tool-result"
    readonly id: string
    /** The name that Claude called. Only where `outcome` is `unknown-tool`, the toolkit has no such tool. */
    readonly name: T[Name]["name"]
    readonly result?: Tool.ResultEncoded<T[Name]>
  }
}[keyof T]

/** The loop has ended. */
export interface Finished<R = ToolsReply> {
  readonly _tag: "finished"
  readonly reply: R
}

/** An element of the stream. */
export type Element<T extends Tools, R = ToolsReply> =
  | TurnStarted
  | Text
  | ThinkingPiece
  | TurnFinished
  | ToolCalled<T>
  | ToolProgressed<T>
  | ToolResult<T>
  | Finished<R>

/**
 * The answer after all tools. `text` is that of the last turn; `usage` and `cost` cover all turns; `message` and the other
 * fields belong to the last call.
 */
export interface ToolsReply extends TextReply {
  /** The whole conversation, the last answer included. Add a user message to continue it. */
  readonly messages: Request["messages"]
  /** How many turns Claude took. */
  readonly turns: number
}
