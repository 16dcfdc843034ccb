/**
 * A conversation and one turn of it. Turns run one after another, and a turn changes the history only at its end.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"
import { type Prompt, type Request, resolve } from "../../claude/Request.ts"
import type * as ToolFormat from "../../claude/ToolFormat.ts"
import type * as Turn from "../turn.ts"
import * as Compact from "./Compact.ts"
import * as History from "./History.ts"
import type * as Store from "./Store.ts"
import * as Trim from "./Trim.ts"

/** The fields of a request without its messages. */
export type Settings = Omit<Exclude<Prompt, string>, "messages" | "thread">

/** The settings of every turn, and how the prompt is kept short. By default it grows up to the context window. */
export type Options = Settings & {
  /** Leaves out old turns when the prompt is too long. Claude then no longer knows them. */
  readonly trim?: Trim.Trim
  /** Lets the API replace old turns by a summary when the prompt is too long. */
  readonly compact?: Compact.Compact
}

/** What the user says: a text, or content with settings for this turn only. */
export type Input = string | (Settings & { readonly content: History.Content })

/** A conversation. `E` are the errors of its store: a conversation in memory has none. */
export interface Conversation<out E = never> {
  /** All messages, in the API's form. During a turn, those before the turn. */
  readonly messages: Effect.Effect<ReadonlyArray<History.Message>>
  readonly options: Options
  readonly history: Ref.Ref<History.History>
  readonly turns: Semaphore.Semaphore
  readonly store: Store.Store<E>
}

/** A conversation that has this history. */
export const make = <E>(options: Options, history: History.History, store: Store.Store<E>): Conversation<E> => {
  const ref = Ref.makeUnsafe(history)
  const messages = Effect.map(Ref.get(ref), History.messages)
  return { messages, options, history: ref, turns: Semaphore.makeUnsafe(1), store }
}

/** A turn that was sent: its request, and the function that adds it to the history. */
interface Sent<E> {
  readonly request: Request
  /** `messages` are all messages at the end of the turn, if it has more than a question and an answer. */
  readonly add: (reply: Turn.TextReply, messages?: ReadonlyArray<History.Message>) => Effect.Effect<void, E>
}

/** A reply; with tools, it has all messages at the end of its turn. */
interface Answer extends Turn.TextReply {
  readonly messages?: ReadonlyArray<History.Message>
}

/** Prepares a turn, which may bring tools. The caller holds the permit until the turn has ended. */
export const begin = Effect.fnUntraced(function* <E>(
  self: Conversation<E>,
  input: Input,
  definitions?: ReadonlyArray<ToolFormat.Definition>
) {
  yield* self.store.check
  const before = yield* Ref.get(self.history)
  const { compact, trim, ...always } = self.options
  const { content, ...settings } = Predicate.isString(input) ? { content: input } : input
  const resolved = yield* resolve(Compact.enable({ ...always, ...settings, messages: [] }, compact))
  const tools = [...(resolved.tools ?? []), ...(definitions ?? [])]
  const message = { role: "user" as const, content }
  const from =
    trim === undefined ? History.start(before) : Trim.firstTurn(before, { ...resolved, tools }, message, trim)
  const build = definitions === undefined ? History.requestWithoutTools : History.request
  const request = build(before, resolved, content, from)
  const used = { model: request.model, tools }
  const add: Sent<E>["add"] = (reply, all) => {
    const messages = all?.slice(request.messages.length - 1) ?? History.answered(content, reply.message)
    const after = History.append(before, { messages, from, request: used, reply })
    return Effect.andThen(self.store.save(after, messages), Ref.set(self.history, after))
  }
  return { request, add } satisfies Sent<E>
})

/** Runs a turn. Once the answer has arrived, it is added even if the caller is interrupted. */
export const run = <E, A extends Answer, E2, R>(
  self: Conversation<E>,
  input: Input,
  ask: (request: Request) => Effect.Effect<A, E2, R>,
  definitions?: ReadonlyArray<ToolFormat.Definition>
): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { add, request } = yield* restore(begin(self, input, definitions))
      const reply = yield* restore(ask(request))
      yield* add(reply, reply.messages)
      return reply
    })
  ).pipe(self.turns.withPermit)
