/**
 * Where a conversation is stored: as one value of a `KeyValueStore`, which is compared with the last known one before
 * each write. Effect's `Persistence` is for results of requests, which expire; a conversation is a value that changes.
 */
import * as Effect from "effect/Effect"
import type { KeyValueStore, KeyValueStoreError } from "effect/persistence/KeyValueStore"
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

/** The store of a conversation in memory. */
export const none: Store<never> = { check: Effect.void, save: () => Effect.void }

const version = 1

const Version = Schema.fromJsonString(Schema.Struct({ version: Schema.Int }))

const Stored = Schema.fromJsonString(Schema.Struct({ version: Schema.Literal(version), history: History }))

const decodeVersion = Schema.decodeEffect(Version)
const decode = Schema.decodeEffect(Stored)
const encode = Schema.encodeEffect(Stored)

/** Reads the conversation with this id; a new one is empty, and is stored with its first turn. */
export const open = Effect.fnUntraced(function* (values: KeyValueStore, id: string) {
  const key = `conversation-${id}`
  const failed = ({ message }: KeyValueStoreError) => new ConversationStoreFailed({ id, detail: message })
  const unreadable = (detail: string) => new ConversationUnreadable({ id, detail })

  const read = Effect.mapError(values.get(key), failed)

  const parse = Effect.fnUntraced(function* (text: string) {
    const found = yield* Effect.mapError(decodeVersion(text), () =>
      unreadable("it is damaged or belongs to another program; remove it, or use another id")
    )
    if (found.version > version) {
      return yield* unreadable(`a newer effect-claude wrote it, in format ${found.version}; update effect-claude`)
    }
    const stored = yield* Effect.mapError(decode(text), () => unreadable("it is damaged; remove it, or use another id"))
    return stored.history
  })

  let known = yield* read
  const history = known === undefined ? empty : yield* parse(known)

  // Comparing the texts is many times faster than decoding a revision in them.
  const check = Effect.flatMap(read, (text) =>
    text === known ? Effect.void : Effect.fail(new ConversationChanged({ id }))
  )

  // The store cannot compare and write in one operation. If two processes write in the same moment, the later one wins,
  // and the other one fails at its next turn.
  const save = Effect.fnUntraced(function* (history: History) {
    yield* check
    const text = yield* Effect.orDie(encode({ version, history }))
    yield* Effect.mapError(values.set(key, text), failed)
    known = text
  })

  const store: Store<StoreError> = {
    check,
    save: (history, unsaved) => Effect.mapError(save(history), (error) => withUnsaved(error, unsaved))
  }
  return { history, isNew: known === undefined, store }
})

const withUnsaved = (error: StoreError, unsaved: ReadonlyArray<Message> | undefined): StoreError => {
  if (unsaved === undefined) return error
  if (error._tag === "ConversationChanged") return new ConversationChanged({ id: error.id, unsaved })
  if (error._tag !== "ConversationStoreFailed") return error
  return new ConversationStoreFailed({ id: error.id, detail: error.detail, unsaved })
}
