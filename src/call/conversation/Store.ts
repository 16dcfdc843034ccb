/**
 * Where a conversation is stored: as one value of a `KeyValueStore`, with a revision that changes with every write. A
 * `Persistence` of Effect would not do: it keeps the results of requests until they expire.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { KeyValueStore, KeyValueStoreError } from "effect/persistence/KeyValueStore"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import {
  ConversationChanged,
  ConversationStoreFailed,
  ConversationUnreadable,
  type StoreError
} from "./ConversationError.ts"
import { empty, History, type Message } from "./History.ts"

/** The stored copy of a conversation, from the time it was read. */
export interface Store<out E> {
  /** Fails if the stored copy has changed since it was read or written here. */
  readonly check: Effect.Effect<void, E>
  /** Replaces the stored copy, unless it has changed. `unsaved` are the messages of the turn that is being added. */
  readonly save: (history: History, unsaved?: ReadonlyArray<Message>) => Effect.Effect<void, E>
}

/** The store of a conversation that only this process has. */
export const none: Store<never> = { check: Effect.void, save: () => Effect.void }

const version = 1

const Version = Schema.fromJsonString(Schema.Struct({ version: Schema.Int }))

const Stored = Schema.fromJsonString(
  Schema.Struct({ version: Schema.Literal(version), revision: Schema.String, history: History })
)

const decodeVersion = Schema.decodeEffect(Version)
const decode = Schema.decodeEffect(Stored)
const encode = Schema.encodeEffect(Stored)

/** Reads the conversation with this id; a new one is empty, and is stored with its first turn. */
export const open = Effect.fnUntraced(function* (values: KeyValueStore, id: string) {
  const key = `conversation-${id}`
  const failed = ({ message }: KeyValueStoreError) => new ConversationStoreFailed({ id, detail: message })
  const unreadable = (detail: string) => new ConversationUnreadable({ id, detail })

  const read = Effect.gen(function* () {
    const text = yield* Effect.mapError(values.get(key), failed)
    if (text === undefined) return undefined
    const found = yield* Effect.mapError(decodeVersion(text), () =>
      unreadable("it is damaged or belongs to another program; remove it, or use another id")
    )
    if (found.version > version) {
      return yield* unreadable(`a newer effect-claude wrote it, in format ${found.version}; update effect-claude`)
    }
    return yield* Effect.mapError(decode(text), () => unreadable("it is damaged; remove it, or use another id"))
  })

  const stored = yield* read
  let revision = stored?.revision

  const check = Effect.flatMap(read, (current) =>
    current?.revision === revision ? Effect.void : Effect.fail(new ConversationChanged({ id }))
  )

  // The store cannot compare and write in one operation. If two processes write in the same moment, the later one wins,
  // and the other one fails at its next turn.
  const save = Effect.fnUntraced(function* (history: History) {
    yield* check
    const next = `${yield* Clock.currentTimeMillis}-${yield* Random.nextInt}`
    const text = yield* Effect.orDie(encode({ version, revision: next, history }))
    yield* Effect.mapError(values.set(key, text), failed)
    revision = next
  })

  const store: Store<StoreError> = {
    check,
    save: (history, unsaved) => Effect.mapError(save(history), (error) => withUnsaved(error, unsaved))
  }
  return { history: stored?.history ?? empty, isNew: stored === undefined, store }
})

const withUnsaved = (error: StoreError, unsaved: ReadonlyArray<Message> | undefined): StoreError => {
  if (unsaved === undefined) return error
  if (error._tag === "ConversationChanged") return new ConversationChanged({ id: error.id, unsaved })
  if (error._tag !== "ConversationStoreFailed") return error
  return new ConversationStoreFailed({ id: error.id, detail: error.detail, unsaved })
}
