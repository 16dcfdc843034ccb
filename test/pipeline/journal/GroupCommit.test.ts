import { assert, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as GroupCommit from "../../../src/pipeline/journal/GroupCommit.ts"

it.effect("commits the writes of all fibers that are ready together, in order, and then resumes them", () =>
  Effect.gen(function* () {
    const groups: Array<ReadonlyArray<number>> = []
    const write = yield* GroupCommit.make((writes: ReadonlyArray<number>) =>
      Effect.sync(() => void groups.push(writes))
    )
    yield* Effect.forEach([1, 2, 3], write, { concurrency: 3 })
    yield* write(4)
    assert.deepStrictEqual(groups, [[1, 2, 3], [4]])
  }).pipe(Effect.scoped)
)

it.effect("takes the writes that arrive during a commit into the next one", () =>
  Effect.gen(function* () {
    const groups: Array<ReadonlyArray<number>> = []
    const disk = yield* Deferred.make<void>()
    const write = yield* GroupCommit.make((writes: ReadonlyArray<number>) => {
      groups.push(writes)
      return Deferred.await(disk)
    })
    const first = yield* Effect.forkChild(write(1))
    while (groups.length === 0) yield* Effect.yieldNow
    const second = yield* Effect.forkChild(Effect.forEach([2, 3], write, { concurrency: 2 }))
    for (let turn = 0; turn < 5; turn++) yield* Effect.yieldNow
    assert.deepStrictEqual([groups, first.pollUnsafe()], [[[1]], undefined])
    yield* Deferred.succeed(disk, undefined)
    yield* Effect.all([Fiber.join(first), Fiber.join(second)])
    assert.deepStrictEqual(groups, [[1], [2, 3]])
  }).pipe(Effect.scoped)
)

it.effect("waits for the pause after a commit, and then commits what has come meanwhile", () =>
  Effect.gen(function* () {
    const groups: Array<ReadonlyArray<number>> = []
    const write = yield* GroupCommit.make(
      (writes: ReadonlyArray<number>) => Effect.sync(() => void groups.push(writes)),
      Effect.sleep("10 millis")
    )
    yield* write(1)
    const others = yield* Effect.forkChild(
      Effect.forEach([2, 3], (one) => Effect.delay(write(one), one), { concurrency: 2 })
    )
    yield* TestClock.adjust("9 millis")
    assert.deepStrictEqual(groups, [[1]])
    yield* TestClock.adjust("1 millis")
    yield* Fiber.join(others)
    assert.deepStrictEqual(groups, [[1], [2, 3]])
  }).pipe(Effect.scoped)
)

it.effect("fails every write of a group whose commit fails, and tries the next group", () =>
  Effect.gen(function* () {
    let isFull = true
    const write = yield* GroupCommit.make<number, string>(() =>
      isFull ? Effect.fail("the disk is full") : Effect.void
    )
    const failures = yield* Effect.forEach([1, 2], (number) => Effect.flip(write(number)), { concurrency: 2 })
    assert.deepStrictEqual(failures, ["the disk is full", "the disk is full"])
    isFull = false
    yield* write(3)
  }).pipe(Effect.scoped)
)

it.effect("ends the commit in progress when the scope closes", () =>
  Effect.gen(function* () {
    const begun = yield* Deferred.make<void>()
    const disk = yield* Deferred.make<void>()
    const run = Effect.gen(function* () {
      const write = yield* GroupCommit.make(() =>
        Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(disk))
      )
      const caller = yield* Effect.forkDetach(write(1), { startImmediately: true })
      yield* Deferred.await(begun)
      return caller
    }).pipe(Effect.scoped)
    const closing = yield* Effect.forkChild(run)
    yield* Deferred.await(begun)
    for (let turn = 0; turn < 5; turn++) yield* Effect.yieldNow
    yield* Deferred.succeed(disk, undefined)
    const caller = yield* Fiber.join(closing)
    assert.deepStrictEqual(caller.pollUnsafe(), Exit.void)
  })
)

it.effect("refuses a write after the scope has closed", () =>
  Effect.gen(function* () {
    const write = yield* Effect.scoped(GroupCommit.make<number, never>(() => Effect.void))
    const exit = yield* Effect.exit(write(1))
    assert.isTrue(Exit.isFailure(exit) && String(exit.cause).includes("a write came after the end of the run"))
  })
)

it.effect("refuses a write that is made before the scope closes and run after it", () =>
  Effect.gen(function* () {
    const late = yield* Effect.scoped(
      Effect.map(
        GroupCommit.make<number, never>(() => Effect.void),
        (write) => write(1)
      )
    )
    assert.isTrue(Exit.isFailure(yield* Effect.exit(late)))
  })
)

it.effect("commits what an interrupted caller wrote, and what waits when the scope closes", () =>
  Effect.gen(function* () {
    const written: Array<number> = []
    yield* Effect.gen(function* () {
      const write = yield* GroupCommit.make((writes: ReadonlyArray<number>) =>
        Effect.sync(() => void written.push(...writes))
      )
      const caller = yield* Effect.forkChild(write(1), { startImmediately: true })
      yield* Fiber.interrupt(caller)
    }).pipe(Effect.scoped)
    assert.deepStrictEqual(written, [1])
  })
)
