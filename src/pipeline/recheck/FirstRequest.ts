/**
 * The first request that the step of a job makes for a row. It shows whether two programs are the same before any row is
 * finished. Nothing is sent.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CallSite from "../../claude/CallSite.ts"
import * as Event from "../../claude/Event.ts"
import * as Durable from "../Durable.ts"
import type { Job } from "../Job.ts"
import { requestText } from "../Journal.ts"
import * as Difference from "./Difference.ts"

/** A request of a row, as JSON. */
export const FirstRequest = Schema.Struct({ key: Schema.String, path: Schema.String, request: Schema.String })
export type FirstRequest = typeof FirstRequest.Type

/** A step that makes no request within this time is not compared. */
const longest = "5 seconds"

/** Puts a row through the step up to its first call; undefined if it makes none. */
export const of = <Row, Out, E>(job: Job<Row, Out, E>, key: string, row: Row) =>
  Effect.suspend(() => {
    let first: FirstRequest | undefined
    const calls: Durable.Row = {
      key,
      slots: Durable.slots([], "skip"),
      begin: ({ path }, request) => {
        first ??= { key, path, request: requestText(request) }
        return undefined
      },
      abandoned: Effect.interrupt,
      save: () => Effect.void,
      reject: () => Effect.void,
      replayed: () => undefined,
      handlers: Durable.noHandlers(() => undefined)
    }
    return Effect.suspend(() => job.step(row)).pipe(
      Durable.inRow(calls),
      Effect.provideService(Event.Listener, undefined),
      CallSite.row(job.name, key),
      Effect.withTracerEnabled(false),
      Effect.exit,
      Effect.timeoutOption(longest),
      Effect.map(() => first)
    )
  })

/** Describes what has changed; undefined if nothing has. */
export const difference = (before: FirstRequest, now: FirstRequest | undefined): string | undefined => {
  if (now === undefined) return "it makes no call for the first row any more"
  if (before.path === now.path && before.request === now.request) return undefined
  const place = `the first request for the row "${before.key}"`
  return before.path === now.path
    ? `${place} differs: ${Difference.first(before.request, now.request)}`
    : `${place} comes from the step "${now.path}" instead of "${before.path}"`
}
