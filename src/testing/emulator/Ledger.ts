/**
 * What would have been paid for. `CreateMessage` says when a call is billed.
 */
import * as Stream from "effect/Stream"
import type * as Exchange from "./Exchange.ts"

/** The tokens of a call, as the API reports them. */
export interface Usage {
  readonly input_tokens: number
  readonly output_tokens: number
}

/** A billed call. `requestHash` is `Request.hash` of what the client asked. */
export interface LedgerEntry {
  readonly requestHash: string
  readonly model: string
  readonly usage: Usage
}

/** The calls so far, in the order in which they were billed; each costs the memory of its hash and two numbers. */
export interface Ledger {
  /** An account for a call. It enters the ledger with its first bill; later bills correct the output tokens. */
  readonly open: (requestHash: string, model: string, inputTokens: number) => (outputTokens: number) => void
  readonly entries: () => ReadonlyArray<LedgerEntry>
  /** `{ "calls": [...] }` with one call a line; streamed, so that a million calls do not become one string. */
  readonly toResponse: () => Exchange.Response
}

interface Row {
  readonly requestHash: string
  readonly model: string
  readonly input: number
  output: number
}

/** An empty ledger. */
export const make = (): Ledger => {
  const rows: Array<Row> = []
  return {
    open: (requestHash, model, input) => {
      let row: Row | undefined
      return (output) => {
        if (row === undefined) rows.push((row = { requestHash, model, input, output }))
        else row.output = output
      }
    },
    entries: () => rows.map(entry),
    toResponse: () => ({
      status: 200,
      headers: { "content-type": "application/json" },
      body: Stream.fromIterable(rows.slice()).pipe(
        Stream.grouped(1000),
        Stream.map((group) => group.map((row) => JSON.stringify(entry(row))).join(",\n")),
        Stream.intersperseAffixes({ start: '{"calls":[\n', middle: ",\n", end: "\n]}\n" })
      )
    })
  }
}

const entry = ({ input, model, output, requestHash }: Row): LedgerEntry => ({
  requestHash,
  model,
  usage: { input_tokens: input, output_tokens: output }
})
