/**
 * Shows an estimate before a run: `--dry-run` shows all of it and runs nothing; on a terminal, an expensive or large run
 * asks first.
 */
import * as BigDecimal from "effect/BigDecimal"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stdio from "effect/Stdio"
import * as Terminal from "effect/Terminal"
import { Claude } from "../claude/Claude.ts"
import * as Context from "effect/Context"
import * as Redact from "../claude/Redact.ts"
import type { Confirm, Proposal } from "../pipeline/Confirm.ts"
import * as PromptCache from "../policy/PromptCache.ts"
import * as EmulatorProbe from "./EmulatorProbe.ts"
import * as EstimateText from "./EstimateText.ts"
import type { RunFlags } from "./RunFlags.ts"
import * as Screen from "./Screen.ts"

/** A run asks if it may cost more than this, in US dollars, or has more rows. */
const maxDollars = 1
const maxRows = 1000

/** How a run confirms; undefined where it begins at once. */
export const make = Effect.fnUntraced(function* (flags: RunFlags, emulated: boolean) {
  const stdio = yield* Stdio.Stdio
  const { stderr } = yield* Screen.Outputs
  const isTerminal = stderr.isTTY === true && (yield* stdio.stdinIsTerminal)
  if (!flags.dryRun && (flags.yes || emulated || !isTerminal)) return undefined
  const terminal = yield* Terminal.Terminal
  const decide = flags.dryRun ? printOnly(flags) : (proposal: Proposal) => question(flags, proposal, terminal, stderr)
  const { itpm, otpm, promptCache, rpm } = flags
  const confirm: Confirm = {
    standIn,
    // A dry run asks only where it matters.
    emulated: emulated ? Effect.succeed(true) : Effect.orElseSucceed(EmulatorProbe.probe, () => false),
    countTokens: flags.countTokens,
    place: (request) => PromptCache.place(request, { ttl: Option.getOrElse(promptCache, () => "5m" as const) }),
    limits: {
      requestsPerMinute: Option.getOrUndefined(rpm),
      inputTokensPerMinute: Option.getOrUndefined(itpm),
      outputTokensPerMinute: Option.getOrUndefined(otpm)
    },
    decide
  }
  return confirm
})

/** An emulator in memory, which opens no socket. */
export const layerStandIn = Layer.unwrap(
  Effect.map(
    Effect.promise(() => import("../testing/Emulator.ts")),
    ({ layer }) => layer()
  )
)

const standIn: Confirm["standIn"] = Effect.map(Layer.build(layerStandIn), (context) => Context.get(context, Claude))

const sendingOf = ({ mode, promptCache }: RunFlags): EstimateText.Sending => ({
  mode,
  isCached: Option.isSome(promptCache)
})

/** Prints the estimate, and declines. */
const printOnly = (flags: RunFlags) => (proposal: Proposal) =>
  Effect.gen(function* () {
    const redact = yield* Redact.Redactor
    const print = flags.json ? EstimateText.toJson : EstimateText.toText
    yield* Console.log(print(proposal, sendingOf(flags), redact))
    return false
  })

/** Asks for a yes if the run is expensive or large. */
const question = Effect.fnUntraced(function* (
  flags: RunFlags,
  proposal: Proposal,
  { readLine }: Terminal.Terminal,
  stderr: Screen.Output
) {
  const { rows } = proposal.estimate
  if (rows === 0 || (rows <= maxRows && mayCost(flags, proposal) <= maxDollars)) return true
  stderr.write(`${EstimateText.toQuestion(proposal, sendingOf(flags))}\nRun it? --yes does not ask. [y/N] `)
  const answer = yield* Effect.orElseSucceed(readLine, () => "")
  return /^\s*y(es)?\s*$/i.test(answer)
})

/** The upper end of the range, but not more than the budget. Infinite where no price is known. */
const mayCost = (flags: RunFlags, { estimate }: Proposal): number => {
  const cost = EstimateText.costOf(estimate, sendingOf(flags))?.high ?? Infinity
  const budget = Option.getOrUndefined(flags.budget)
  return budget?.unit === "USD" ? Math.min(cost, BigDecimal.toNumberUnsafe(budget.value)) : cost
}
