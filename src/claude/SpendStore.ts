/**
 * Where a durable program records what it may have spent, so that a budget covers all runs of a job, also those that
 * died. The run of a job provides one. Outside of a job there is none, and a budget ends with the process.
 */
import type * as BigDecimal from "effect/BigDecimal"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** US dollars, or tokens of prompts and answers together. */
export const Unit = Schema.Literals(["USD", "tokens"])
export type Unit = typeof Unit.Type

/** The spending of a job in one unit. */
export interface Account {
  /** The bills that earlier runs have stored. */
  readonly billed: BigDecimal.BigDecimal
  /** The most that earlier runs may have spent besides, on calls whose bill they have not stored. */
  readonly unsettled: BigDecimal.BigDecimal
  /** The bills that this run has stored so far. */
  readonly stored: () => BigDecimal.BigDecimal
  /** Records the most that may be spent besides the stored bills, before it is spent. It replaces `unsettled`. */
  readonly hold: (unsettled: BigDecimal.BigDecimal) => Effect.Effect<void>
  /** At the end of the run, this function is called, and its result is recorded in place of the last `hold`. */
  readonly atEnd: (unsettled: () => BigDecimal.BigDecimal) => void
  /** Where other processes spend from the same budget. Then there is no need to `hold`. */
  readonly shared?: SharedAccount | undefined
}

/** One budget for several processes. Each takes a part of it before it spends. */
export interface SharedAccount {
  /**
   * Asks for a part of the budget: at least `needed` in all, and up to `wanted` if there is as much. It replaces the part
   * that the process had. `cap` is the budget, unless it was changed for all processes.
   */
  readonly allot: (amounts: {
    readonly needed: BigDecimal.BigDecimal
    readonly wanted: BigDecimal.BigDecimal
    readonly cap: BigDecimal.BigDecimal
    /** Whether a call of this process waits for money after the answer. */
    readonly waits: "no" | "until granted" | "still"
    /** Whether no call is in flight and no money is spare, so that the process has nothing to give back. */
    readonly isIdle: boolean
  }) => Effect.Effect<Allotment>
  /** The budget where it was changed for all processes, and whether a call of another process waits for money. */
  readonly look: Effect.Effect<{ readonly cap: BigDecimal.BigDecimal | undefined; readonly isWanted: boolean }>
  /** Runs an effect repeatedly while the process works. */
  readonly regularly: (effect: Effect.Effect<void>) => void
}

/** An answer to `allot`. `cap` is the budget that holds for all processes. */
export type Allotment = { readonly cap: BigDecimal.BigDecimal } & (
  | { readonly _tag: "granted"; readonly amount: BigDecimal.BigDecimal }
  /** `left` is the most that this process may have in all; `returnable` is the most that the others may give back. */
  | { readonly _tag: "refused"; readonly left: BigDecimal.BigDecimal; readonly returnable: BigDecimal.BigDecimal }
)

/** The accounts of a job. */
export interface SpendStore {
  readonly account: (unit: Unit) => Account
}

/** The store of the running fiber. */
export const SpendStore: Context.Reference<SpendStore | undefined> = Context.Reference("effect-claude/SpendStore", {
  defaultValue: (): SpendStore | undefined => undefined
})
