/**
 * The billed calls, with their usage. `CreateMessage` and `MessageBatches` decide when a call is billed. A call takes 54
 * bytes at any length, so the ledger of a million rows fits in memory.
 */
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js"
import * as Stream from "effect/Stream"
import * as Usage from "../../../claude/Usage.ts"
import type * as Exchange from "../wire/Exchange.ts"
import type { SpendLimit } from "./SpendLimit.ts"

/** A billed call. `requestHash` is `Request.hash` of what the client asked. */
export interface LedgerEntry {
  readonly requestHash: string
  readonly model: string
  readonly usage: Usage.Usage
}

/** The calls so far, in the order in which they were billed. */
export interface Ledger {
  /** An account for a call. Its first bill adds the call to the ledger; later bills replace it. */
  readonly open: (requestHash: string, model: string) => (usage: Usage.ApiUsage, now: number) => void
  readonly entries: () => ReadonlyArray<LedgerEntry>
  /** `{ "calls": [...] }`, one call a line; streamed, so that a million calls are never one string. */
  readonly toResponse: () => Exchange.Response
}

/** 32 bytes of the hash, five numbers of 4 bytes, the tier, the model. */
const rowBytes = 54

/** Rows are kept in blocks, so that a growing ledger is never copied. */
const rowsOfBlock = 4096

const tiers = ["standard", "batch"] as const

/** An empty ledger; it reports every bill to the spend limit. */
export const make = (spendLimit: SpendLimit): Ledger => {
  const blocks: Array<DataView> = []
  const models: Array<string> = []
  let count = 0

  const block = (row: number) =>
    (blocks[Math.floor(row / rowsOfBlock)] ??= new DataView(new ArrayBuffer(rowsOfBlock * rowBytes)))

  const modelNumber = (model: string) => {
    const known = models.indexOf(model)
    return known === -1 ? models.push(model) - 1 : known
  }

  const write = (row: number, requestHash: string, model: string, usage: Usage.Usage) => {
    const at = (row % rowsOfBlock) * rowBytes
    const view = block(row)
    // The tokens of a summary or of another model have no columns: they are added to the tokens of the answer.
    const { cacheRead, cacheWrite1h, cacheWrite5m, input, output } = usage.besides
      ? Usage.sum(usage, Usage.zero)
      : usage
    new Uint8Array(view.buffer, at, 32).set(hexToBytes(requestHash))
    view.setUint32(at + 32, input)
    view.setUint32(at + 36, output)
    view.setUint32(at + 40, cacheWrite5m)
    view.setUint32(at + 44, cacheWrite1h)
    view.setUint32(at + 48, cacheRead)
    view.setUint8(at + 52, usage.serviceTier === "batch" ? 1 : 0)
    view.setUint8(at + 53, modelNumber(model))
  }

  const read = (row: number): LedgerEntry => {
    const at = (row % rowsOfBlock) * rowBytes
    const view = block(row)
    return {
      requestHash: bytesToHex(new Uint8Array(view.buffer, at, 32)),
      model: models[view.getUint8(at + 53)] ?? "",
      usage: {
        input: view.getUint32(at + 32),
        output: view.getUint32(at + 36),
        cacheWrite5m: view.getUint32(at + 40),
        cacheWrite1h: view.getUint32(at + 44),
        cacheRead: view.getUint32(at + 48),
        webSearches: 0,
        serviceTier: tiers[view.getUint8(at + 52)] ?? "standard"
      }
    }
  }

  return {
    open: (requestHash, model) => {
      let row: number | undefined
      const spend = spendLimit.open(model)
      return (reported, now) => {
        // A reply from code may report anything: it is read as a client reads it.
        const usage = Usage.fromMessage(reported)
        row ??= count++
        write(row, requestHash, model, usage)
        spend(usage, now)
      }
    },
    entries: () => Array.from({ length: count }, (_, row) => read(row)),
    toResponse: () => ({
      status: 200,
      headers: { "content-type": "application/json" },
      body: Stream.range(0, count - 1).pipe(
        Stream.grouped(1000),
        Stream.map((rows) => rows.map((row) => JSON.stringify(read(row))).join(",\n")),
        Stream.intersperseAffixes({ start: '{"calls":[\n', middle: ",\n", end: "\n]}\n" })
      )
    })
  }
}
