/**
 * Talks with Claude over many turns. A conversation adds each turn to its history after the answer: a turn that fails or
 * is interrupted leaves the history as it was. Turns wait for one another, so do not start a turn of the same
 * conversation while you read its stream. Put `PromptCache.policy` around Claude: each turn then reads the turns before
 * from the cache.
 */
import * as Effect from "effect/Effect"
import type * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Ref from "effect/Ref"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Claude } from "../claude/Claude.ts"
import * as Cited from "../claude/Cited.ts"
import type { ClaudeError } from "../claude/ClaudeError.ts"
import type { Request } from "../claude/Request.ts"
import * as ToolFormat from "../claude/ToolFormat.ts"
import { ConversationExists, type HistoryInvalid } from "./conversation/ConversationError.ts"
import * as History from "./conversation/History.ts"
import * as Import from "./conversation/Import.ts"
import type { Conversation, Input, Options } from "./conversation/Session.ts"
import * as Session from "./conversation/Session.ts"
import * as Store from "./conversation/Store.ts"
import * as object from "./object.ts"
import * as text from "./text.ts"
import * as tools from "./tools.ts"

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
export type { Conversation, Input, Options, Settings } from "./conversation/Session.ts"
export type { Trim } from "./conversation/Trim.ts"

/** A new conversation in memory. */
export const make = (options: Options = {}): Effect.Effect<Conversation> =>
  Effect.sync(() => Session.make(options, History.empty, Store.none))

/**
 * A conversation in memory that continues messages of the API, such as exported `messages`. Fails with the place of the
 * message that the API would refuse.
 */
export const fromMessages = (
  messages: ReadonlyArray<unknown>,
  options: Options = {}
): Effect.Effect<Conversation, HistoryInvalid> =>
  Effect.map(Effect.fromResult(Import.read(messages)), (history) => Session.make(options, history, Store.none))

/**
 * The stored conversation with this id, or a new one. Each turn is stored before it is returned. The options are not
 * stored. If two processes continue one conversation, the later one fails with `ConversationChanged`, usually before its
 * call. Use a store that writes a value as a whole, such as `KeyValueStore.layerSql`: with `layerFileSystem`, a process that
 * is killed while it writes, or two that write at once, leave a conversation that cannot be read.
 */
export const open = Effect.fn("Conversation.open")(function* (id: string, options: Options = {}) {
  const values = yield* KeyValueStore.KeyValueStore
  const { history, store } = yield* Store.open(values, id)
  return Session.make(options, history, store)
})

/** Stores the history under a new id, and returns the conversation that continues there. Fails if the id is in use. */
export const persist = Effect.fn("Conversation.persist")(function* <E>(self: Conversation<E>, id: string) {
  const values = yield* KeyValueStore.KeyValueStore
  const { isNew, store } = yield* Store.open(values, id)
  if (!isNew) return yield* new ConversationExists({ id })
  const history = yield* Ref.get(self.history)
  yield* store.save(history)
  return Session.make(self.options, history, store)
})

/** A second conversation in memory with the same history. What one adds, the other does not see. */
export const fork = <E>({ history, options }: Conversation<E>): Effect.Effect<Conversation> =>
  Effect.map(Ref.get(history), (before) => Session.make(options, before, Store.none))

/** Removes the last turn: the question and its answer. Without turns, it has no effect. */
export const undo = <E>({ history, store, turns }: Conversation<E>): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    const before = yield* Ref.get(history)
    if (before.turns.length === 0) return
    const after = History.undo(before)
    yield* Effect.uninterruptible(Effect.andThen(store.save(after), Ref.set(history, after)))
  }).pipe(turns.withPermit)

/** Asks for the next answer as text. Fails as `Claude.generateText` does; then the history is unchanged. */
export const generateText = <E>(
  self: Conversation<E>,
  input: Input
): Effect.Effect<text.TextReply, ClaudeError | E, Claude> => Session.run(self, input, text.generateText)

/**
 * Asks for the next answer as a value of a schema; see `Claude.generateObject`. The history has the accepted answer only,
 * not the ones that were asked for again. Entries of the prompt cache depend on the schema, so such a turn does not read
 * the messages of turns without it; later turns do. Documents of earlier turns are sent with citations switched off,
 * because the API refuses citations together with a schema; an input with citations fails with `Unsupported`.
 */
export const generateObject = <E, A, I, RD, RE>(
  self: Conversation<E>,
  schema: Schema.ConstraintCodec<A, I, RD, RE>,
  input: Input,
  options?: object.ObjectOptions
) => Session.run(self, input, (request) => object.generateObject(schema, uncited(request), options))

/**
 * Streams the next answer as pieces of text. The turn is added before the stream ends; if the stream is not read to its
 * end, the history is unchanged. `onFinish` receives the whole answer.
 */
export const streamText = <E, E2 = never, R = never>(
  self: Conversation<E>,
  input: Input,
  options?: { readonly onFinish?: (reply: text.TextReply) => Effect.Effect<unknown, E2, R> }
): Stream.Stream<string, ClaudeError | E | E2, Claude | R> =>
  adding(self, input, options?.onFinish, (request, onFinish) => text.streamText(request, { onFinish }))

/**
 * Streams the next answer as growing values of a schema; see `Claude.streamObject`. The turn is added before `finished`.
 * Citations are as for `generateObject`.
 */
export const streamObject = <E, A, I, RD, RE>(
  self: Conversation<E>,
  schema: Schema.ConstraintCodec<A, I, RD, RE>,
  input: Input,
  options?: object.StreamObjectOptions
): Stream.Stream<object.ObjectEvent<A, I>, ClaudeError | E, Claude | RD> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* self.turns.takeScoped(1)
      const { add, request } = yield* Session.begin(self, input)
      return Stream.tap(object.streamObject(schema, uncited(request), options), (event) =>
        event._tag === "finished" ? Effect.uninterruptible(add(event)) : Effect.void
      )
    })
  )

/**
 * Streams the elements of a list as the next answer; see `Claude.streamElements`. The turn is added before the stream ends,
 * and citations are as for `generateObject`.
 */
export const streamElements = <E, A, I, RD, RE, E2 = never, R = never>(
  self: Conversation<E>,
  element: Schema.ConstraintCodec<A, I, RD, RE>,
  input: Input,
  { onFinish, ...options }: object.StreamElementsOptions<A, E2, R> = {}
): Stream.Stream<A, ClaudeError | E | E2, Claude | RD | R> =>
  adding(self, input, onFinish, (request, onFinish) =>
    object.streamElements(element, uncited(request), { ...options, onFinish })
  )

/** Streams a turn, and adds it once the stream has been read to its end. */
const adding = <E, A extends text.TextReply, Piece, E1, R1, E2, R2>(
  self: Conversation<E>,
  input: Input,
  onFinish: ((reply: A) => Effect.Effect<unknown, E2, R2>) | undefined,
  ask: (request: Request, onFinish: (reply: A) => Effect.Effect<void, E2, R2>) => Stream.Stream<Piece, E1, R1>
): Stream.Stream<Piece, E | E1, R1> =>
  Stream.unwrap(
    Effect.gen(function* () {
      yield* self.turns.takeScoped(1)
      const { add, request } = yield* Session.begin(self, input)
      let finished: A | undefined
      const pieces = ask(request, (reply) =>
        Effect.map(onFinish?.(reply) ?? Effect.void, () => {
          finished = reply
        })
      )
      // Not in `onFinish`: a store that fails must not remove the answer from a cache.
      const end = Effect.suspend(() => (finished === undefined ? Effect.void : Effect.uninterruptible(add(finished))))
      return Stream.concat(pieces, Stream.drain(Stream.fromEffect(end)))
    })
  )

/** The request with citations switched off in the turns before the input. */
const uncited = (request: Request): Request => ({
  ...request,
  messages: [...Cited.without(request.messages.slice(0, -1)), ...request.messages.slice(-1)]
})

type Tools = Record<string, Tool.Any>

/**
 * Asks with tools; see `Claude.generateWithTools`. The turn is added with all its calls and results once Claude has
 * answered; a turn that fails or reaches a limit leaves the history as it was, although its handlers have run. Later
 * turns without tools still send the definitions, which the API needs to read the calls, and call no tool. That changes
 * `tool_choice`, so they do not read the messages from the prompt cache: ask all turns with tools where you can.
 */
export const generateWithTools: {
  <E, T extends Tools, A, I, RD, RE, ET = never, RT = never, E2 = never, R = never>(
    self: Conversation<E>,
    toolkit: tools.ToolkitInput<T, ET, RT>,
    input: Input,
    options: tools.ObjectToolsOptions<T, A, I, RD, RE, E2, R>
  ): Effect.Effect<tools.ObjectToolsReply<A>, tools.ToolsError<T> | ET | E2 | E, tools.ToolsServices<T> | RT | R | RD>
  <E, T extends Tools, ET = never, RT = never, E2 = never, R = never>(
    self: Conversation<E>,
    toolkit: tools.ToolkitInput<T, ET, RT>,
    input: Input,
    options?: tools.ToolsOptions<T, E2, R>
  ): Effect.Effect<tools.ToolsReply, tools.ToolsError<T> | ET | E2 | E, tools.ToolsServices<T> | RT | R>
} = <E, T extends Tools, ET, RT, E2, R>(
  self: Conversation<E>,
  toolkit: tools.ToolkitInput<T, ET, RT>,
  input: Input,
  options?: tools.ToolsOptions<T, E2, R>
) =>
  // The reply of the loop depends on the options, as the types above say.
  Effect.flatMap(prepare(toolkit), ({ definitions, ready }) =>
    Session.run(self, input, (request) => tools.generateWithTools(ready, request, options), definitions)
  ) as never

/** The same as a stream of events. The turn is added before `finished` arrives. */
export const streamWithTools: {
  <E, T extends Tools, A, I, RD, RE, ET = never, RT = never, E2 = never, R = never>(
    self: Conversation<E>,
    toolkit: tools.ToolkitInput<T, ET, RT>,
    input: Input,
    options: tools.ObjectToolsOptions<T, A, I, RD, RE, E2, R>
  ): Stream.Stream<
    tools.Element<T, tools.ObjectToolsReply<A>>,
    tools.ToolsError<T> | ET | E2 | E,
    tools.ToolsServices<T> | RT | R | RD
  >
  <E, T extends Tools, ET = never, RT = never, E2 = never, R = never>(
    self: Conversation<E>,
    toolkit: tools.ToolkitInput<T, ET, RT>,
    input: Input,
    options?: tools.ToolsOptions<T, E2, R>
  ): Stream.Stream<tools.Element<T>, tools.ToolsError<T> | ET | E2 | E, tools.ToolsServices<T> | RT | R>
} = <E, T extends Tools, ET, RT, E2, R>(
  self: Conversation<E>,
  toolkit: tools.ToolkitInput<T, ET, RT>,
  input: Input,
  options?: tools.ToolsOptions<T, E2, R>
) =>
  // The types are above, as for `generateWithTools`.
  Stream.unwrap(
    Effect.gen(function* () {
      const { definitions, ready } = yield* prepare(toolkit)
      yield* self.turns.takeScoped(1)
      const { add, request } = yield* Session.begin(self, input, definitions)
      return Stream.tap(tools.streamWithTools(ready, request, options), (element) =>
        element._tag === "finished" ? Effect.uninterruptible(add(element.reply, element.reply.messages)) : Effect.void
      )
    })
  ) as never

/** The handlers of a toolkit, and the definitions that the history needs. */
const prepare = Effect.fnUntraced(function* <T extends Tools, E, R>(toolkit: tools.ToolkitInput<T, E, R>) {
  const handlers: Toolkit.WithHandler<T> = Effect.isEffect(toolkit) ? yield* toolkit : toolkit
  const { definitions } = yield* Effect.fromResult(ToolFormat.all(handlers.tools))
  // The loop runs the handlers of a `Toolkit` faster than through `handle`.
  const ready: tools.ToolkitInput<T, E, R> = tools.isToolkit(toolkit) ? toolkit : handlers
  return { definitions, ready }
})
