/**
 * Which reply answers which call. What goes wrong between a test and its replies is a mistake of the test, not a
 * failure of Claude: it is a defect, so nothing retries it, and where the program swallows it, the end of the layer
 * tells it all the same.
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
 * What Claude answers: always the same, one after the other, or as a function of the request. A list must come out
 * even with its calls, and they must not overlap: where calls do, give each its reply with `when`.
 */
export type Reply = Given | ReadonlyArray<Given> | ((request: Request) => Given)

/** A reply to some requests only. */
export interface Rule {
  readonly matches: (request: Request) => boolean
  readonly reply: Reply
}

/** Replies where the text of the prompt matches a pattern, or the request a predicate. */
export const when = (matches: RegExp | ((request: Request) => boolean), reply: Reply): Rule => ({
  matches:
    typeof matches === "function"
      ? matches
      : (request) => new RegExp(matches, matches.flags.replace("g", "")).test(promptText(request)),
  reply
})

/** The calls that were made, in the order of arrival, and the replies that are left. */
interface State {
  readonly calls: Array<Request>
  readonly lists: Array<List>
  readonly mistakes: Array<Error>
}

/** A list of replies: how many are taken, and the call that took the last one and is not over. */
interface List {
  readonly replies: ReadonlyArray<Given>
  taken: number
  inFlight: number | undefined
}

/** Replies, and the calls that they have answered. */
export const make = (replies: ReadonlyArray<Reply | Rule>) => {
  const state: State = { calls: [], lists: [], mistakes: [] }
  const rules = replies.map((reply) => {
    const rule = isRule(reply) ? reply : { matches: () => true, reply }
    return { matches: rule.matches, answer: answering(state, rule.reply) }
  })

  /** The number of a call, and its answer. The scope is the life of the call. */
  const answer = Effect.fnUntraced(function* (request: Request) {
    const call = state.calls.push(request)
    const rule = rules.find(({ matches }) => matches(request))
    if (rule === undefined) return yield* mistake(state, Mistake.unanswered(call))
    const given = yield* rule.answer(request, call)
    return { call, answer: yield* Effect.isEffect(given) ? Effect.mapError(given, toError) : Effect.succeed(given) }
  })

  /** Dies of what went wrong, unless the program died of it already; of replies left over, if it came to an end. */
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
 * No answer comes at once: whoever asks at the same time asks now, and is found out. A microtask, since it is over
 * before a `TestClock.adjust` goes on; a fiber that yields may be too late for it.
 */
const moment = Effect.callback<void>((resume) => queueMicrotask(() => resume(Effect.void)))

const take = (state: State, list: List, call: number) =>
  Effect.suspend(() => {
    if (list.inFlight !== undefined) return mistake(state, Mistake.overlap(call, list.inFlight))
    const given = list.replies[list.taken]
    if (given === undefined) return mistake(state, Mistake.dry(call, list.replies.length))
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
