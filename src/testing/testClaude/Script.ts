/**
 * Decides which reply answers which call. A call without a reply is a mistake of the test, not a failure of Claude, so
 * it is a defect: no policy retries it. If the program catches the defect, the layer dies of it when it is released.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Request } from "../../claude/Request.ts"
import { type Given, toError } from "./Answer.ts"
import { promptText } from "./Message.ts"
import * as Mistake from "./Mistake.ts"

/**
 * The reply to calls: one reply for all, a list with one for each, or a function of the request. Every reply of a list
 * must be used, and the calls of a list must not overlap. For concurrent calls, choose replies with `when`.
 */
export type Reply = Given | ReadonlyArray<Given> | ((request: Request) => Given)

/** A reply to requests that match. */
export interface Rule {
  readonly matches: (request: Request) => boolean
  readonly reply: Reply
}

/** Replies to requests whose text matches a pattern, or which satisfy a predicate. */
export const when = (matches: RegExp | ((request: Request) => boolean), reply: Reply): Rule => ({
  matches:
    typeof matches === "function"
      ? matches
      : (request) => new RegExp(matches, matches.flags.replace("g", "")).test(promptText(request)),
  reply
})

/** The calls in order of arrival, the lists of replies, and the mistakes of the test. */
interface State {
  readonly calls: Array<Request>
  readonly lists: Array<List>
  readonly mistakes: Array<Error>
}

/** A list of replies: how many are used, and the call in flight that took the last one. */
interface List {
  readonly replies: ReadonlyArray<Given>
  taken: number
  inFlight: number | undefined
}

/** Builds the script of a layer from its replies. */
export const make = (replies: ReadonlyArray<Reply | Rule>) => {
  const state: State = { calls: [], lists: [], mistakes: [] }
  const rules = replies.map((reply) => {
    const rule = isRule(reply) ? reply : { matches: () => true, reply }
    return { matches: rule.matches, answer: answering(state, rule.reply) }
  })

  /** Returns the number of a call and its answer. The call is in flight until the scope closes. */
  const answer = Effect.fnUntraced(function* (request: Request) {
    const call = state.calls.push(request)
    const rule = rules.find(({ matches }) => matches(request))
    if (rule === undefined) return yield* mistake(state, Mistake.unanswered(call))
    const given = yield* rule.answer(request, call)
    return { call, answer: yield* Effect.isEffect(given) ? Effect.mapError(given, toError) : Effect.succeed(given) }
  })

  /** Dies of the first mistake, unless the program died of it already; dies of unused replies if the program ended. */
  const verify = (exit: Exit.Exit<unknown, unknown>) =>
    Effect.suspend(() => {
      const reasons = Exit.isFailure(exit) ? exit.cause.reasons : []
      const [first] = state.mistakes
      if (first !== undefined) {
        const known = reasons.some((reason) => Cause.isDieReason(reason) && reason.defect === first)
        return known ? Effect.void : Effect.die(first)
      }
      const left = state.lists.flatMap(({ replies, taken }) => replies.slice(taken))
      return left.length === 0 || !reasons.every(Cause.isFailReason)
        ? Effect.void
        : mistake(state, Mistake.leftover(left))
    })

  return { calls: Effect.sync(() => [...state.calls]), answer, verify }
}

const isRule = (reply: Reply | Rule): reply is Rule => typeof reply === "object" && "matches" in reply
const isList = (reply: Given | ReadonlyArray<Given>): reply is ReadonlyArray<Given> => Array.isArray(reply)

const answering = (
  state: State,
  reply: Reply
): ((request: Request, call: number) => Effect.Effect<Given, never, Scope.Scope>) => {
  if (typeof reply === "function") return (request) => Effect.sync(() => reply(request))
  if (!isList(reply)) return () => Effect.succeed(reply)
  const list: List = { replies: reply, taken: 0, inFlight: undefined }
  state.lists.push(list)
  return (_, call) =>
    Effect.acquireRelease(take(state, list, call), () => Effect.sync(() => (list.inFlight = undefined))).pipe(
      Effect.tap(moment)
    )
}

/**
 * Delays an answer by a microtask, so that an overlapping call starts before the first one ends. A microtask ends before
 * `TestClock.adjust` continues; a fiber that yields could end after it.
 */
const moment = Effect.callback<void>((resume) => queueMicrotask(() => resume(Effect.void)))

const take = (state: State, list: List, call: number) =>
  Effect.suspend(() => {
    if (list.inFlight !== undefined) return mistake(state, Mistake.overlap(call, list.inFlight))
    const given = list.replies[list.taken]
    if (given === undefined) return mistake(state, Mistake.usedUp(call, list.replies.length))
    list.taken++
    list.inFlight = call
    return Effect.succeed(given)
  })

const mistake = ({ calls, mistakes }: State, detail: string) =>
  Effect.suspend(() => {
    const error = new Error(Mistake.explain(detail, calls))
    mistakes.push(error)
    return Effect.die(error)
  })
