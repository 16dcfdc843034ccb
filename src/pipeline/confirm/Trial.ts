/**
 * Puts a row through the step to see its calls, and sends nothing: stored replies answer first, and a stand-in for Claude
 * answers the rest. Requests after such an answer contain it.
 *
 * A step of a job with other services may write what it makes of an answer. So its rows end at their first calls
 * without a stored reply, as they would where a run stops. Files cannot be written, either. No handler of a tool runs, so a
 * row ends at its first tool without a stored result.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import { systemError } from "effect/PlatformError"
import * as Stream from "effect/Stream"
import * as CallSite from "../../claude/CallSite.ts"
import { Claude } from "../../claude/Claude.ts"
import * as Event from "../../claude/Event.ts"
import * as Redact from "../../claude/Redact.ts"
import type { Message } from "../../claude/Reply.ts"
import type { Request } from "../../claude/Request.ts"
import * as TokenEstimate from "../../claude/TokenEstimate.ts"
import * as Durable from "../Durable.ts"
import type { Job } from "../Job.ts"
import * as ResultLine from "../ResultLine.ts"
import * as RowFailure from "../RowFailure.ts"
import * as RowKey from "../RowKey.ts"
import type { Call } from "../Estimate.ts"

/** A row, with the replies that are stored for it. */
export interface Tried<Row> {
  readonly key: string
  readonly row: Row
  readonly hasFailed: boolean
  readonly replies: Parameters<typeof Durable.slots>[0]
}

/** A call that a stored reply answered. */
export interface Replayed {
  readonly path: string
  readonly request: Request
  readonly message: Message
}

/** What a row did. */
export interface Trial {
  /** The calls that a run would pay for. */
  readonly calls: ReadonlyArray<Call>
  readonly replayed: ReadonlyArray<Replayed>
  /** Why the row did not reach its end, so that later calls are missing. */
  readonly problem: string | undefined
  /** Whether the row ended at a tool, whose handler does not run. */
  readonly endsAtTool: boolean
}

/** A row that takes longer, or makes more calls, is cut off. */
const longest = "10 seconds"
const maxCalls = 1000

/** Calls that begin together are seen together where a row ends at them: each step of a fiber is a turn. */
const turns = 100

/** Tries rows. Without a stand-in, a row ends at its first calls. */
export const make = <Row, Out, E>(job: Job<Row, Out, E>, standIn: Claude["Service"] | undefined) => {
  const encode = ResultLine.encode(job.output)
  return Effect.fnUntraced(function* ({ hasFailed, key, replies, row }: Tried<Row>) {
    const calls: Array<Call> = []
    const replayed: Array<Replayed> = []
    let endsAtTool = false
    const abandoned = Effect.andThen(Effect.repeat(Effect.yieldNow, { times: turns }), Effect.interrupt)
    /** The Claude of the run sends nothing here, also where a service has kept it. */
    const closed: Durable.Row = {
      key,
      slots: Durable.slots(replies, hasFailed ? "skip" : "replay"),
      begin: ({ path }, request) => {
        calls.push({ path, request, standIn: undefined })
        return undefined
      },
      abandoned,
      save: () => Effect.void,
      reject: () => Effect.void,
      replayed: () => undefined,
      handlers: Durable.noHandlers(() => void (endsAtTool = true))
    }
    const open: Durable.Row = {
      ...closed,
      begin: (call, request) => {
        if (standIn === undefined || calls.length >= maxCalls) return closed.begin(call, request)
        const { path } = call
        const at = calls.push({ path, request, standIn: undefined }) - 1
        const listener: Event.Listener = (event) =>
          Effect.sync(() => {
            if (event._tag === "call-finished") calls[at] = { path, request, standIn: event.usage.output }
          })
        return { listener, timing: () => undefined, end: () => undefined }
      }
    }
    const durable = Durable.wrap(standIn ?? silent)
    const claude: Claude["Service"] = {
      create: (request) =>
        Effect.flatMap(CallSite.CallSite, ({ path }) =>
          Effect.tap(Effect.provideService(durable.create(request), Durable.CurrentRow, open), ({ message, origin }) =>
            Effect.sync(() => origin === "journal" && replayed.push({ path: path.join("/"), request, message }))
          )
        ),
      stream: (request) => Stream.provideService(durable.stream(request), Durable.CurrentRow, open),
      countTokens: (request) => Effect.sync(() => TokenEstimate.of(request)),
      capacity: Effect.succeed(64)
    }
    const fs = yield* FileSystem.FileSystem
    const exit = yield* Effect.suspend(() => job.step(row)).pipe(
      Effect.flatMap((out) => encode(key, out)),
      Effect.provideService(Claude, claude),
      Effect.provideService(FileSystem.FileSystem, readOnly(fs)),
      Durable.inRow(closed),
      Effect.provideService(Event.Listener, undefined),
      CallSite.row(job.name, key),
      Effect.withTracerEnabled(false),
      Effect.exit,
      Effect.timeoutOrElse({ duration: longest, orElse: () => Effect.succeed(Exit.fail(`no end within ${longest}`)) })
    )
    const redact = yield* Redact.Redactor
    return { calls, replayed, problem: problemOf(key, exit, redact), endsAtTool } satisfies Trial
  })
}

/** Gets no calls. */
const silent: Claude["Service"] = {
  create: () => Effect.interrupt,
  stream: () => Stream.never,
  countTokens: () => Effect.interrupt,
  capacity: Effect.succeed(1)
}

/** A row that ends at its first calls is interrupted, which is no problem. */
const problemOf = (key: string, exit: Exit.Exit<unknown, unknown>, redact: Redact.Redact): string | undefined => {
  if (Exit.isSuccess(exit) || Cause.hasInterruptsOnly(exit.cause)) return undefined
  const error = Cause.squash(exit.cause)
  return redact(`${RowKey.show(key)}: ${typeof error === "string" ? error : RowFailure.messageOf(error, redact)}`)
}

/** Refuses what would change files. */
const readOnly = (fs: FileSystem.FileSystem): FileSystem.FileSystem => {
  const refuse = (method: string) => () =>
    Effect.fail(
      systemError({
        _tag: "PermissionDenied",
        module: "FileSystem",
        method,
        description: "an estimate writes no files"
      })
    )
  return FileSystem.make({
    ...fs,
    chmod: refuse("chmod"),
    chown: refuse("chown"),
    copy: refuse("copy"),
    copyFile: refuse("copyFile"),
    link: refuse("link"),
    makeDirectory: refuse("makeDirectory"),
    makeTempDirectory: refuse("makeTempDirectory"),
    makeTempDirectoryScoped: refuse("makeTempDirectoryScoped"),
    makeTempFile: refuse("makeTempFile"),
    makeTempFileScoped: refuse("makeTempFileScoped"),
    open: (path, options) => ((options?.flag ?? "r") === "r" ? fs.open(path, options) : refuse("open")()),
    remove: refuse("remove"),
    rename: refuse("rename"),
    symlink: refuse("symlink"),
    truncate: refuse("truncate"),
    utimes: refuse("utimes"),
    writeFile: refuse("writeFile")
  })
}
