/**
 * Asks Claude for a value of a Schema and streams it while it arrives: growing partial values, or the elements of a list.
 * The last value is the one that `generateObject` returns for the same text.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { Claude } from "../../claude/Claude.ts"
import type { ClaudeError } from "../../claude/ClaudeError.ts"
import * as Json from "../../claude/Json.ts"
import * as Nesting from "../../claude/Nesting.ts"
import * as OutputFormat from "../../claude/OutputFormat.ts"
import * as Reply from "../../claude/Reply.ts"
import type { Prompt } from "../../claude/Request.ts"
import type { StreamEvent } from "../../claude/StreamEvent.ts"
import * as Answer from "./Answer.ts"
import { type DeepPartial, isBeginning } from "./DeepPartial.ts"
import * as Reader from "./Reader.ts"
import { streamTurn } from "../text.ts"
import * as Turn from "../turn.ts"

export type { DeepPartial } from "./DeepPartial.ts"

/** The value so far. It is a snapshot: later text does not change it. It has not been checked against the schema. */
export interface PartialObject<I> {
  readonly _tag: "partial"
  readonly value: DeepPartial<I>
}

/** The decoded value and its reply, at the end of the stream. */
export interface FinishedObject<A> extends Answer.ObjectReply<A> {
  readonly _tag: "finished"
}

export type ObjectEvent<A, I> = PartialObject<I> | FinishedObject<A>

/** An answer that was shown cannot be asked for again, so there is no `reask`. */
export type StreamObjectOptions = Pick<Answer.ObjectOptions, "repair">

/**
 * Asks for a value of `schema`. Emits a `partial` for each piece of text that shows more of it, and at most eight for text
 * that arrives together; then `finished` with the decoded value.
 *
 * A partial value has the encoded side of the schema, as JSON. Each one is the beginning of the next: a text or a list may
 * be cut; a number, a literal, a date or a key is shown when it is complete. A part that Claude sends in another shape,
 * such as a duration, a union of tuples or a part that contains itself, is also shown when it is complete.
 *
 * The failures are the ones of `generateObject` without a second question. `OutputInvalid` also means that the repaired
 * value does not continue the last partial value.
 */
export const streamObject = <A, I, RD, RE>(
  schema: Schema.ConstraintCodec<A, I, RD, RE>,
  prompt: Prompt,
  { repair = true }: StreamObjectOptions = {}
): Stream.Stream<ObjectEvent<A, I>, ClaudeError, Claude | RD> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const format = yield* Answer.formatOf(schema)
      const request = yield* Answer.requestOf(prompt, format.schema)
      const reader = Reader.make(format.part, OutputFormat.rootKey)
      let shown: unknown

      const partial = (value: unknown): PartialObject<I> => {
        shown = value
        // The type describes the shape that `PartialValue` builds from the schema's own translation.
        return { _tag: "partial", value: value as DeepPartial<I> }
      }
      const finish = Effect.fnUntraced(function* (turn: Turn.Turn) {
        const reply = yield* Turn.toReply(turn, Turn.finalText)
        const value = yield* whole(
          format,
          reply,
          repair,
          (json) => shown === undefined || reader.isExact() || isBeginning(shown, json)
        )
        return { _tag: "finished", ...reply, value } satisfies FinishedObject<A>
      })
      return streamTurn(
        request,
        (events) => Stream.map(snapshotsOf(events, reader), partial),
        (turn) => Stream.fromEffect(finish(turn))
      )
    })
  ).pipe(Stream.withSpan("Claude.streamObject"))

/** What to do with a list that does not satisfy the schema, and with its reply. */
export interface StreamElementsOptions<A, E = never, R = never> extends StreamObjectOptions {
  /** Receives the whole list and its reply before the stream ends. */
  readonly onFinish?: (reply: Answer.ObjectReply<ReadonlyArray<A>>) => Effect.Effect<unknown, E, R>
}

/**
 * Asks for a list and emits each decoded element as soon as it is complete. An element that does not satisfy the schema
 * fails the stream with `OutputInvalid`, which names its index, and closes the connection: the rest is not paid for. The
 * usage of this error is the usage that was known then. Otherwise like `streamObject`.
 */
export const streamElements = <A, I, RD, RE, E = never, R = never>(
  element: Schema.ConstraintCodec<A, I, RD, RE>,
  prompt: Prompt,
  { onFinish, repair = true }: StreamElementsOptions<A, E, R> = {}
): Stream.Stream<A, ClaudeError | E, Claude | RD | R> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const format = yield* Answer.formatOf(listOf(element))
      const request = yield* Answer.requestOf(prompt, format.schema)
      const reader = Reader.make(format.part, OutputFormat.rootKey)
      const decodeElement = Schema.decodeUnknownEffect(Schema.toCodecJson(element))
      const list: Array<A> = []
      let isList = false

      /** Decodes the elements that are complete and have not been emitted, up to the first invalid one. */
      const decodeNew = Effect.fnUntraced(function* (soFar: () => Turn.Turn | undefined) {
        const elements: Array<A> = []
        for (const json of reader.items().slice(list.length)) {
          const decoded = yield* Effect.result(
            Nesting.limited(decodeElement(json, reader.hasProse() ? strictly : undefined))
          )
          if (Result.isFailure(decoded)) {
            const why = Answer.explain(decoded.failure.issue, format.schema, [list.length])
            return { elements, failure: refuse(why, soFar()) }
          }
          elements.push(decoded.success)
          list.push(decoded.success)
        }
        return { elements, failure: undefined }
      })
      const finish = Effect.fnUntraced(function* (turn: Turn.Turn) {
        const reply = yield* Turn.toReply(turn, Turn.finalText)
        const emitted = list.length
        if (!(reader.isExact() && isList)) {
          const shown = reader.items().slice(0, emitted)
          const value = yield* whole(format, reply, repair, (json) => isBeginning(shown, json))
          list.push(...value.slice(emitted))
        }
        if (onFinish) yield* Turn.discardOnFailure(reply)(onFinish({ ...reply, value: list }))
        return list.slice(emitted)
      })
      return streamTurn(
        request,
        (events, soFar) =>
          snapshotsOf(events, reader).pipe(
            Stream.mapEffect((snapshot) => {
              isList = Array.isArray(snapshot)
              return decodeNew(soFar)
            }),
            Stream.filter(({ elements, failure }) => elements.length > 0 || failure !== undefined),
            Stream.flatMap(({ elements, failure }) => {
              const emitted = Stream.fromIterable(elements)
              return failure === undefined ? emitted : Stream.concat(emitted, Stream.fromEffect(failure))
            })
          ),
        (turn) => Stream.flattenIterable(Stream.fromEffect(finish(turn)))
      )
    })
  ).pipe(Stream.withSpan("Claude.streamElements"))

/** A snapshot for each piece of text that shows more of the value. */
const snapshotsOf = <E>(events: Stream.Stream<StreamEvent, E>, reader: Reader.Reader) =>
  events.pipe(
    Stream.mapArrayEffect(reader.read),
    Stream.filter((snapshot) => snapshot !== undefined)
  )

/** Keys that the schema does not have show that prose was read as a part of the value. */
const strictly = { onExcessProperty: "error" } as const

/** Fails with what is known of an answer that still arrives. */
const refuse = Effect.fnUntraced(function* (why: string, turn: Turn.Turn | undefined) {
  if (turn === undefined) return yield* Effect.die(new Error("an element came before the message"))
  const reply = yield* Turn.toReply(turn, Turn.finalText)
  yield* Reply.discard(reply)
  return yield* Answer.invalid(why, reply)
})

/** The decoded value of a finished answer. Fails if it does not decode, or if `continues` refuses its JSON. */
const whole = Effect.fnUntraced(function* <A, RD>(
  format: OutputFormat.OutputFormat<A, RD>,
  reply: Turn.TextReply,
  repair: boolean,
  continues: (json: unknown) => boolean
) {
  const decoded = yield* Turn.discardOnFailure(reply)(Effect.result(Answer.decode(format, reply, repair)))
  const why = Result.isFailure(decoded)
    ? Answer.explain(decoded.failure.issue, format.schema)
    : continues(format.part.read(Json.parse(decoded.success.json)))
      ? undefined
      : "the whole value differs from the partial values"
  if (Result.isSuccess(decoded) && why === undefined) return decoded.success.value
  yield* Reply.discard(reply)
  return yield* Answer.invalid(why ?? "", reply)
})

/** A format is made once for each schema, so the list of each schema is made once. */
const lists = new WeakMap<Schema.Constraint, Schema.Constraint>()

const listOf = <S extends Schema.Constraint>(element: S): Schema.$Array<S> => {
  // The entry of a schema was made from this schema.
  const known = lists.get(element) as Schema.$Array<S> | undefined
  if (known !== undefined) return known
  const list = Schema.Array(element)
  lists.set(element, list)
  return list
}
