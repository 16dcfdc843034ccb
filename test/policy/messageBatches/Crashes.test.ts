/**
 * Crashes at every step of the life of a batch. Whatever the step: the next process ends the work, every request is billed
 * once, and every reply is stored once.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Struct from "effect/Struct"
import * as TestClock from "effect/testing/TestClock"
import * as Event from "../../../src/claude/Event.ts"
import * as Batch from "../../../src/pipeline/Batch.ts"
import * as Emulator from "../../../src/testing/Emulator.ts"
import { ask, makeDisk, makeLife, remove, runProcess } from "./processes.ts"

describe("a process that dies", () => {
  it.effect(
    "at any step pays nothing twice",
    () =>
      Effect.gen(function* () {
        const undisturbed = yield* run([])
        assert.isAbove(undisturbed.steps, 30)
        for (let step = 1; step < undisturbed.steps; step++) {
          expectSame(yield* run([step]), undisturbed, `died at step ${step} of ${undisturbed.steps}`)
        }
      }),
    300_000
  )

  it.effect(
    "again and again pays nothing twice",
    () =>
      Effect.gen(function* () {
        const undisturbed = yield* run([])
        for (let seed = 0; seed < 12; seed++) {
          const random = Effect.forEach(range(4), () => Random.nextIntBetween(1, 30))
          const deaths = yield* Random.withSeed(random, `${seed}`)
          expectSame(yield* run(deaths), undisturbed, `died after ${deaths.join(", ")} steps`)
        }
      }),
    300_000
  )

  it.effect("between two groups of results has stored the first, and the next one stores the second", () =>
    Effect.gen(function* () {
      const disk = makeDisk()
      const many = Batch.map(range(600), (row) => ask(`${row}`, "only", `Row ${row}`))
      yield* runProcess(
        many,
        disk,
        makeLife(({ name, when }) => name === "save" && when === "after")
      )
      assert.lengthOf(disk.saved, 256)
      const results = yield* runProcess(many, disk, makeLife())
      assert.lengthOf(results?.filter(Result.isSuccess) ?? [], 600)
      assert.lengthOf(disk.saved, 600)
      assert.strictEqual(disk.intents.size, 0)
      assert.lengthOf(yield* Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger), 600)
    }).pipe(Effect.provide(Emulator.transport()))
  )
})

describe("the next process", () => {
  it.effect("adopts the batch whose answer was lost, among others of the same size", () =>
    Effect.gen(function* () {
      const [disk, foreign] = [makeDisk(), makeDisk()]
      yield* runProcess(
        work,
        foreign,
        makeLife(({ name }) => name === "sent")
      )
      yield* runProcess(
        work,
        disk,
        makeLife(({ name, when }) => name === create && when === "after")
      )
      assert.deepStrictEqual(yield* batchesOf(runProcess(work, disk, makeLife())), ["adopted", "sent"])
    }).pipe(Effect.provide(emulated))
  )

  it.effect("adopts 51 batches after 51 deaths between a request and its answer, and pays no item twice", () =>
    Effect.gen(function* () {
      let adopted = 0
      let deaths = 0
      for (let job = 0; job < 17; job++) {
        const disk = makeDisk()
        const rows = range(1 + (job % 3))
        const third = Batch.map(rows, (row) =>
          ask(`${job}/${row}`, "first", `Row ${row} of job ${job}`).pipe(
            Effect.flatMap((answer) => ask(`${job}/${row}`, "second", `Again: ${answer}`)),
            Effect.flatMap((answer) => ask(`${job}/${row}`, "third", `Once more: ${answer}`))
          )
        )
        for (const last of [false, false, false, true]) {
          const life = makeLife(({ name, when }) => !last && name === create && when === "after")
          const batches = yield* batchesOf(runProcess(third, disk, life))
          adopted += batches.filter((how) => how === "adopted").length
          deaths += Number(life.isDead())
        }
        assert.lengthOf(disk.saved, 3 * rows.length)
      }
      assert.deepStrictEqual({ adopted, deaths }, { adopted: 51, deaths: 51 })
      const billed = yield* Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger)
      assert.lengthOf(billed, 3 * (6 * 1 + 6 * 2 + 5 * 3))
    }).pipe(Effect.provide(emulated))
  )

  it.effect("sends a batch again that was never created", () =>
    Effect.gen(function* () {
      const disk = makeDisk()
      yield* runProcess(
        work,
        disk,
        makeLife(({ name }) => name === create)
      )
      assert.deepStrictEqual(yield* batchesOf(runProcess(work, disk, makeLife())), ["sent", "sent"])
    }).pipe(Effect.provide(emulated))
  )

  it.effect("stores the id of a batch that it adopts", () =>
    Effect.gen(function* () {
      const disk = makeDisk()
      const dyingAfter = (step: string) => makeLife(({ name, when }) => name === step && when === "after")
      yield* runProcess(work, disk, dyingAfter(create))
      yield* runProcess(work, disk, dyingAfter("sent"))
      assert.deepStrictEqual(yield* batchesOf(runProcess(work, disk, makeLife())), ["resumed", "sent"])
    }).pipe(Effect.provide(emulated))
  )

  it.effect("reports a batch that was deleted, and the one after it sends its calls again", () =>
    Effect.gen(function* () {
      const disk = makeDisk()
      yield* runProcess(work, disk, dyingAtGet())
      const [intent] = disk.intents.values()
      yield* TestClock.adjust("3 minutes")
      yield* remove(intent?.batchId ?? "")
      const results = yield* runProcess(work, disk, makeLife())
      const messages = results?.map((result) => (Result.isFailure(result) ? String(result.failure) : "answered"))
      assert.lengthOf(messages ?? [], 3)
      for (const message of messages ?? []) {
        assert.include(message, "use a key of the workspace that sent the batch, and run again")
      }
      assert.deepStrictEqual(yield* batchesOf(runProcess(work, disk, makeLife())), ["sent", "sent"])
      assert.lengthOf(yield* Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger), 3 + 6)
    }).pipe(Effect.provide(emulated))
  )

  it.effect("finds its batch after a process with the key of another workspace", () =>
    Effect.gen(function* () {
      const disk = makeDisk()
      yield* runProcess(work, disk, dyingAtGet())
      yield* runProcess(work, disk, makeLife()).pipe(Effect.provide(Emulator.transport()))
      assert.deepStrictEqual(yield* batchesOf(runProcess(work, disk, makeLife())), ["adopted", "sent"])
      assert.lengthOf(yield* Effect.flatMap(Emulator.Emulator, ({ ledger }) => ledger), 6)
    }).pipe(Effect.provide(emulated))
  )

  it.effect("continues with the batch that was sent", () =>
    Effect.gen(function* () {
      const disk = makeDisk()
      yield* runProcess(work, disk, dyingAtGet())
      assert.deepStrictEqual(yield* batchesOf(runProcess(work, disk, makeLife())), ["resumed", "sent"])
    }).pipe(Effect.provide(emulated))
  )
})

// Builders

const range = (count: number) => Array.from({ length: count }, (_, index) => index)

const emulated = Emulator.transport({ batchProcessing: "2 minutes" })

const create = "POST /v1/messages/batches"

/** A process that dies when its first batch has been sent. */
const dyingAtGet = () => makeLife(({ name }) => name.startsWith("GET "))

/** Two dependent calls for each row. */
const work = Batch.map(["a", "b", "c"], (row) =>
  Effect.flatMap(ask(row, "first", `Row ${row}`), (answer) => ask(row, "second", `Again: ${answer}`))
)

/** Runs the work in processes that die after these numbers of steps, and in a last one that does not die. */
const run = Effect.fnUntraced(
  function* (deaths: ReadonlyArray<number>) {
    const disk = makeDisk()
    for (const steps of deaths)
      yield* runProcess(
        work,
        disk,
        makeLife(({ count }) => count === steps)
      )
    const last = makeLife()
    const results = yield* runProcess(work, disk, last)
    const { ledger } = yield* Emulator.Emulator
    return {
      outputs: results?.map((result) => (Result.isSuccess(result) ? result.success : "failed")),
      billed: (yield* ledger).length,
      saved: disk.saved.toSorted(),
      steps: last.steps()
    }
  },
  (effect) => Effect.provide(effect, emulated)
)

type Outcome = Effect.Success<ReturnType<typeof run>>

const expectSame = (outcome: Outcome, undisturbed: Outcome, at: string) =>
  assert.deepStrictEqual(Struct.omit(outcome, ["steps"]), Struct.omit(undisturbed, ["steps"]), at)

/** How the process came to its batches. */
const batchesOf = <A, E, R>(process: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const batches: Array<string> = []
    const listener: Event.Listener = (event) =>
      Effect.sync(() => {
        if (event._tag === "batch-sent") batches.push(event.how)
      })
    return Effect.as(Event.listen(listener)(process), batches)
  })
