/**
 * Talks with Claude over many turns. A conversation adds each turn to its history after the answer: a turn that fails or
 * is interrupted leaves the history as it was. Turns wait for one another, so do not start a turn of the same
 * conversation while you read its stream. Put `PromptCache.policy` around Claude: each turn then reads the turns before
 * from the cache.
 */
import * as Effect from "effect/Effect"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Predicate from "effect/Predicate"
import * as Ref from "effect/Ref"
import * as Semaphore from "effect/Semaphore"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Claude } from "../claude/Claude.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import { type Prompt, type Request, resolve } from "../claude/Request.ts"
import * as Compact from "./conversation/Compact.ts"
import { ConversationExists, type HistoryInvalid } from "./conversation/ConversationError.ts"
import * as History from "./conversation/History.ts"
import * as Import from "./conversation/Import.ts"
import * as Store from "./conversation/Store.ts"
import * as Trim from "./conversation/Trim.ts"
import * as object from "./object.ts"
import * as text from "./text.ts"

export type { Compact } from "./conversation/Compact.ts"
export {
  ConversationChanged,
  ConversationExists,
  ConversationStoreFailed,
  ConversationUnreadable,
  HistoryInvalid,
  type StoreError
} from "./conversation/ConversationError.ts"
export type { Content, Message } from "./conversation/History.ts"
export type { Trim } from "./conversation/Trim.ts"

/** The fields of a request beside its messages. */
export type Settings = Omit<Exclude<Prompt, string>, "messages" | "thread">

/** The settings of every turn, and how the prompt is kept short. By default it grows up to the context window. */
export type Options = Settings & {
  /** Leaves out old turns when the prompt is too long. Nothing else remembers them. */
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

const build = <E>(options: Options, history: History.History, store: Store.Store<E>): Conversation<E> => {
  const ref = Ref.makeUnsafe(history)
  const messages = Effect.map(Ref.get(ref), History.messages)
  return { messages, options, history: ref, turns: Semaphore.makeUnsafe(1), store }
}

/** A new conversation in memory. */
export const make = (options: Options = {}): Effect.Effect<Conversation> =>
  Effect.sync(() => build(options, History.empty, Store.none))

/**
 * A conversation in memory that continues messages of the API, such as those of `messages`. Fails with the place of the
 * message that the API would refuse.
 */
export const fromMessages = (
  messages: ReadonlyArray<unknown>,
  options: Options = {}
): Effect.Effect<Conversation, HistoryInvalid> =>
  Effect.map(Effect.fromResult(Import.read(messages)), (history) => build(options, history, Store.none))

/**
 * The stored conversation with this id, or a new one. Each turn is stored before it is returned. The options are not
 * stored. If two processes continue one conversation, the later one fails with `ConversationChanged`, usually before its
 * call.
 */
export const open = Effect.fnUntraced(function* (id: string, options: Options = {}) {
  const values = yield* KeyValueStore.KeyValueStore
  const { history, store } = yield* Store.open(values, id)
  return build(options, history, store)
})

/** Stores the history under a new id, and returns the conversation that continues there. Fails if the id is in use. */
export const persist = Effect.fnUntraced(function* <E>(self: Conversation<E>, id: string) {
  const values = yield* KeyValueStore.KeyValueStore
  const { isNew, store } = yield* Store.open(values, id)
  if (!isNew) return yield* new ConversationExists({ id })
  const history = yield* Ref.get(self.history)
  yield* store.save(history)
  return build(self.options, history, store)
})

/** A second conversation in memory with the same history. What one adds, the other does not see. */
export const fork = <E>({ history, options }: Conversation<E>): Effect.Effect<Conversation> =>
  Effect.map(Ref.get(history), (before) => build(options, before, Store.none))

/** Takes back the last turn: the question and its answer. Without turns, nothing happens. */
export const undo = <E>({ history, store, turns }: Conversation<E>): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    const before = yield* Ref.get(history)
    if (before.turns.length === 0) return
    const after = History.undo(before)
    yield* Effect.uninterruptible(Effect.andThen(store.save(after), Ref.set(history, after)))
  }).pipe(turns.withPermit)

/** A turn that was sent: its request, and the function that adds it to the history. */
interface Sent<E> {
  readonly request: Request
  readonly add: (reply: text.TextReply) => Effect.Effect<void, E>
}

/** Prepares a turn. The caller holds the permit until the turn has ended. */
const begin = Effect.fnUntraced(function* <E>(self: Conversation<E>, input: Input) {
  yield* self.store.check
  const before = yield* Ref.get(self.history)
  const { compact, trim, ...always } = self.options
  const { content, ...settings } = Predicate.isString(input) ? { content: input } : input
  const resolved = yield* resolve(Compact.enable({ ...always, ...settings, messages: [] }, compact))
  const from =
    trim === undefined ? History.start(before) : Trim.firstTurn(before, resolved, { role: "user", content }, trim)
  const request = History.request(before, resolved, content, from)
  const add = (reply: text.TextReply) => {
    const messages = History.answered(content, reply.message)
    const after = History.append(before, { messages, from, request, reply })
    return Effect.andThen(self.store.save(after, messages), Ref.set(self.history, after))
  }
  return { request, add } satisfies Sent<E>
})

/** Runs a turn with one answer. Once the answer has arrived, it is added even if the caller is interrupted. */
const turn = <E, A extends text.TextReply, E2, R>(
  self: Conversation<E>,
  input: Input,
  ask: (request: Request) => Effect.Effect<A, E2, R>
): Effect.Effect<A, E | E2, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const { add, request } = yield* restore(begin(self, input))
      const reply = yield* restore(ask(request))
      yield* add(reply)
      return reply
    })
  ).pipe(self.turns.withPermit)

/** Asks for the next answer as text. Fails as `Claude.generateText` does; then the history is unchanged. */
export const generateText = <E>(
  self: Conversation<E>,
  input: Input
): Effect.Effect<text.TextReply, ClaudeError | E, Claude> => turn(self, input, text.generateText)

/**
 * Asks for the next answer as a value of a schema; see `Claude.generateObject`. The history has the accepted answer only,
 * not the ones that were asked for again.
 */
export const generateObject = <E, A, I, RD, RE>(
  self: Conversation<E>,
  schema: Schema.ConstraintCodec<A, I, RD, RE>,
  input: Input,
  options?: object.ObjectOptions
) => turn(self, input, (request) => object.generateObject(schema, request, options))

/**
 * Streams the next answer as pieces of text. The turn is added before the stream ends; if the stream is not read to its
 * end, the history is unchanged. `onFinish` receives the whole answer.
 */
export const streamText = <E, E2 = never, R = never>(
  self: Conversation<E>,
  input: Input,
  options?: { readonly onFinish?: (reply: text.TextReply) => Effect.Effect<unknown, E2, R> }
): Stream.Stream<string, ClaudeError | E | E2, Claude | R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* self.turns.takeScoped(1)
      const { add, request } = yield* begin(self, input)
      const onFinish = (reply: text.TextReply): Effect.Effect<void, E | E2, R> =>
        Effect.andThen(Effect.asVoid(options?.onFinish?.(reply) ?? Effect.void), Effect.uninterruptible(add(reply)))
      return text.streamText(request, { onFinish })
    })
  )
