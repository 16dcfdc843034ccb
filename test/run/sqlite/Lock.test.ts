import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Lock from "../../../src/run/sqlite/Lock.ts"

describe("the lock of a file", () => {
  it.effect("is held until its scope closes", () =>
    Effect.gen(function* () {
      const path = yield* file
      const first = yield* holding(path)
      assert.instanceOf(yield* Effect.flip(holding(path)), Lock.SqliteInUse)
      assert.isTrue(existsSync(`${path}.holder`))
      yield* first.release
      assert.isFalse(existsSync(`${path}.holder`))
      yield* holding(path)
    })
  )

  it.effect("is refused if the holder removes the file after it is opened, because others lock a new file", () =>
    Effect.gen(function* () {
      const { late, path } = yield* openedBeforeRemoval
      assert.instanceOf(yield* Effect.flip(Lock.take(path, late)), Lock.SqliteInUse)
    })
  )

  it.effect("is refused if a new file has taken the name", () =>
    Effect.gen(function* () {
      const { late, path } = yield* openedBeforeRemoval
      const next = yield* holding(path)
      const error = yield* Effect.flip(Lock.take(path, late))
      assert.include(error.message, `${path} is in use by this program already`)
      yield* next.release
    })
  )

  it.effect("is refused if the file did not exist before it was opened", () =>
    Effect.gen(function* () {
      const path = yield* file
      const { database } = yield* Lock.open(path)
      const error = yield* Effect.flip(Lock.take(path, { database, identity: undefined }))
      assert.include(error.message, `${path} is in use by another process`)
    })
  )

  it.effect("keeps the name of the next holder if the lock file was removed", () =>
    Effect.gen(function* () {
      const path = yield* file
      const first = yield* holding(path)
      rmSync(Lock.fileOf(path))
      yield* TestClock.adjust("1 second")
      yield* holding(path)
      yield* first.release
      assert.isTrue(existsSync(`${path}.holder`))
    })
  )
})

const file = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "lock-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true }))
).pipe(Effect.map((folder) => join(folder, "state.sqlite")))

/** A lock file that is opened while another holder has it, and that the holder then removes. */
const openedBeforeRemoval = Effect.gen(function* () {
  const path = yield* file
  const holder = yield* Effect.suspend(() => holding(path))
  const late = yield* Lock.open(path)
  rmSync(Lock.fileOf(path))
  yield* holder.release
  return { late, path }
})

/** The lock in a new scope. */
const holding = Effect.fnUntraced(function* (path: string) {
  const scope = yield* Scope.make()
  yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
  yield* Scope.provide(
    Effect.flatMap(Lock.open(path), (candidate) => Lock.take(path, candidate)),
    scope
  )
  return { release: Scope.close(scope, Exit.void) }
})
