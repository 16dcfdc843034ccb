/**
 * Processes that die, for tests: they share an API and a store, and each ends at a chosen step. Every access to the store
 * and to the API is a step before it and a step after it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as AnthropicClient from "../../../src/claude/AnthropicClient.ts"
import * as Api from "../../../src/claude/Api.ts"
import * as CallSite from "../../../src/claude/CallSite.ts"
import { Claude } from "../../../src/claude/Claude.ts"
import type { ClaudeError } from "../../../src/claude/ClaudeError.ts"
import type { Reply } from "../../../src/claude/Reply.ts"
import { text } from "../../../src/claude/Reply.ts"
import { type BatchIntent, type CallKey, CurrentCall, ReplyStore } from "../../../src/claude/ReplyStore.ts"
import * as Request from "../../../src/claude/Request.ts"
import type { Restored } from "../../../src/claude/StoredReply.ts"
import { type Fetch, Transport } from "../../../src/claude/Transport.ts"
import * as MessageBatches from "../../../src/policy/MessageBatches.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"
import { request } from "../../fixtures.ts"

/** What outlives the processes. */
export interface Disk {
  readonly replies: Map<string, Restored>
  readonly intents: Map<string, BatchIntent>
  readonly batches: Set<string>
  /** The keys that were saved, in order: one key twice is a reply that was counted twice. */
  readonly saved: Array<string>
}

/** An empty disk. */
export const makeDisk = (): Disk => ({ replies: new Map(), intents: new Map(), batches: new Set(), saved: [] })

const nameOf = (call: CallKey) => JSON.stringify(call)

/** A step of a process: the access, such as `save` or `POST /v1/messages/batches`, and the number of steps so far. */
export interface Step {
  readonly name: string
  readonly when: "before" | "after"
  readonly count: number
}

/** A life that ends at the first step that `isLast` names. Without it, the process does not die. */
export const makeLife = (isLast: (step: Step) => boolean = () => false) => {
  let count = 0
  let isDead = false
  const step = (name: string, when: Step["when"]) => {
    count += 1
    isDead ||= isLast({ name, when, count })
    return isDead
  }
  const never = <A>() => new Promise<A>(() => {})
  return {
    /** Runs an access as two steps. For a dead process, it never ends. */
    access: <A>(name: string, what: () => Promise<A>): Promise<A> =>
      isDead || step(name, "before") ? never() : what().then((value) => (step(name, "after") ? never() : value)),
    isDead: () => isDead,
    steps: () => count
  }
}
type Life = ReturnType<typeof makeLife>

/** A store on a disk. */
export const storeOf = (disk: Disk, { access }: Life): ReplyStore => {
  const step = <A>(name: string, what: () => A) => Effect.promise(() => access(name, () => Promise.resolve(what())))
  return {
    find: (call) => step("find", () => disk.replies.get(nameOf(call))),
    save: (answers) =>
      step("save", () => {
        for (const { call, reply } of answers) {
          disk.saved.push(nameOf(call))
          disk.replies.set(nameOf(call), reply)
        }
      }),
    intend: (intent) => step("intend", () => void disk.intents.set(intent.id, intent)),
    sent: (id, batchId) =>
      step("sent", () => {
        const intent = disk.intents.get(id)
        if (intent !== undefined) disk.intents.set(id, { ...intent, batchId })
        if (batchId !== undefined) disk.batches.add(batchId)
        else disk.batches.delete(intent?.batchId ?? "")
      }),
    ended: (id) => step("ended", () => void disk.intents.delete(id)),
    unfinished: step("unfinished", () => [...disk.intents.values()]),
    knows: (batchId) => step("knows", () => disk.batches.has(batchId))
  }
}

/** The call of a row: it replays what its disk had when the process began. */
export const ask = (
  row: string,
  path: string,
  content: string,
  system?: Request.Request["system"]
): Effect.Effect<string, ClaudeError, Claude> =>
  Effect.gen(function* () {
    const call: Request.Request = { ...request, messages: [{ role: "user", content }], ...(system && { system }) }
    const key: CallKey = { row, path, hash: Request.hash(call), occurrence: 0 }
    const stored = (yield* AtStart).get(nameOf(key))
    if (stored !== undefined) return text(stored.message)
    const reply: Reply = yield* Claude.use((claude) => claude.create(call)).pipe(
      Effect.provideService(CurrentCall, key)
    )
    return text(reply.message)
  }).pipe(CallSite.row("job", row))

const AtStart = Context.Reference<ReadonlyMap<string, Restored>>("test/AtStart", { defaultValue: () => new Map() })

/** Runs a process until it ends or dies. Returns `undefined` if it died. */
export const runProcess = Effect.fnUntraced(function* <A, E>(
  work: Effect.Effect<A, E, Claude>,
  disk: Disk,
  life: Life,
  options: MessageBatches.Options = { shortestPoll: "1 minute" }
) {
  const transport = yield* Transport
  const fetch: Fetch = (input, init) =>
    life.access(`${init?.method} ${new URL(String(input)).pathname}`, () => transport(input, init))
  const layer = Api.layer.pipe(
    Layer.provideMerge(
      AnthropicClient.layer({ apiKey: Redacted.make("emulator"), baseURL: "http://emulator.invalid" }).pipe(Layer.orDie)
    ),
    MessageBatches.policy(options)
  )
  // A dead process is left as it is, because interrupting it would run its finalizers.
  const fiber = yield* Effect.provide(work, layer).pipe(
    Effect.provideService(Transport, fetch),
    Effect.provideService(ReplyStore, storeOf(disk, life)),
    Effect.provideService(AtStart, new Map(disk.replies)),
    Effect.forkDetach
  )
  while (fiber.pollUnsafe() === undefined && !life.isDead()) {
    yield* Effect.repeat(Effect.yieldNow, { times: 50 })
    yield* TestClock.adjust("1 minute")
  }
  const exit = fiber.pollUnsafe()
  return exit === undefined ? undefined : yield* exit
})

/** Deletes a batch that has ended. */
export const remove = (batch: string) =>
  Effect.flatMap(Emulator.Emulator, ({ fetch, url }) =>
    Effect.promise(() =>
      fetch(`${url}/v1/messages/batches/${batch}`, { method: "DELETE", headers: { "x-api-key": "emulator" } })
    )
  )
