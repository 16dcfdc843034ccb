/**
 * Runs of a journal for tests, and what they store.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SqlClient } from "effect/sql/SqlClient"
import type { Reply } from "../../../src/claude/Reply.ts"
import type { Answer, CallKey } from "../../../src/claude/ReplyStore.ts"
import * as Journal from "../../../src/pipeline/Journal.ts"
import { message } from "../../../src/testing/testClaude/Message.ts"

export const tickets: Journal.Options = { job: "tickets", shape: { model: "claude-haiku-4-5" } }

/** A run that has claimed rows with these keys. */
export const begun = (
  keys: ReadonlyArray<string> = [],
  options: Journal.Options = tickets
): Layer.Layer<Journal.Journal, unknown, SqlClient> =>
  Layer.effect(
    Journal.Journal,
    Effect.tap(Journal.Journal, (journal) => journal.begin(journal.claim(rowsOf(...keys))))
  ).pipe(Layer.provide(Journal.layer(options)))

/** The first rows of an input, with these keys. */
export const rowsOf = (...keys: ReadonlyArray<string>): ReadonlyArray<Journal.Row> =>
  keys.map((key, ordinal) => ({ key, ordinal }))

export const callOf = (row: string, fields: Partial<CallKey> = {}): CallKey => ({
  row,
  path: "sort",
  hash: "0a1b",
  occurrence: 0,
  ...fields
})

/** A reply of Claude Haiku 4.5 to 1,000 tokens. It costs $0.00105. */
export const answerOf = (call: CallKey, origin: Reply["origin"] = "api") =>
  ({
    call,
    request: { model: "claude-haiku-4-5", max_tokens: 100, messages: [{ role: "user", content: `Sort ${call.row}` }] },
    reply: {
      message: message({
        model: "claude-haiku-4-5",
        content: [`${call.row} is urgent`],
        usage: { input_tokens: 1000, output_tokens: 10 }
      }),
      requestId: "req_1",
      origin,
      rateLimits: undefined
    }
  }) satisfies Answer
