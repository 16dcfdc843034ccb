import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Dataset from "../../src/pipeline/Dataset.ts"

const Ticket = Schema.Struct({ id: Schema.String, urgency: Schema.Int })

describe("a file", () => {
  it.effect("returns its rows, as the schema has them and as the file does, with their places", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(`{"urgency":"1"}\n{"urgency":"2"}\n`)
      const rows = yield* rowsOf(Dataset.fromFile(Schema.Struct({ urgency: Schema.FiniteFromString }), path))
      assert.deepStrictEqual(rows.map(Result.getOrNull), [
        {
          value: { urgency: 1 },
          form: "json",
          encoded: { urgency: "1" },
          place: { source: path, unit: "line", number: 1 }
        },
        {
          value: { urgency: 2 },
          form: "json",
          encoded: { urgency: "2" },
          place: { source: path, unit: "line", number: 2 }
        }
      ])
    }).pipe(provideNode)
  )

  it.effect("continues after a broken row, and names the fix", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(`{"id":"a","urgency":"high"}\n\n{"id":"b"\n{"id":"c","urgency":3}\n`)
      const rows = yield* rowsOf(Dataset.fromFile(Ticket, path))
      assert.deepStrictEqual(rows.map(inShort), [
        `${path} line 1: "urgency" must be an integer, got "high"; fix the line, and run again`,
        `${path} line 3: not JSON: Expected ',' or '}' after property value at column 10; ` +
          "fix the line, and run again",
        { id: "c", urgency: 3 }
      ])
    }).pipe(provideNode)
  )

  it.effect("names every wrong field by its path, and shows little of a long value", () =>
    Effect.gen(function* () {
      const Nested = Schema.Struct({
        ticket: Schema.Struct({ tags: Schema.Array(Schema.String) }),
        kind: Schema.Literals(["bug", "wish"]),
        amount: Schema.NullOr(Schema.Finite),
        rating: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
        email: Schema.String.check(Schema.makeFilter((text) => text.includes("@") || "please give an address")),
        size: Schema.Literals(["small | medium", "large"])
      })
      const row = { ticket: { tags: ["a", 1] }, amount: "x".repeat(1000), rating: 9, email: "me", size: 4 }
      const [invalid] = yield* rowsOf(Dataset.fromIterable("tickets", Nested, [row]))
      assert.strictEqual(
        invalid && inShort(invalid),
        `tickets row 1: "ticket.tags[1]" must be a string, got 1; "kind" is missing; ` +
          `"amount" must be a number or null, got "${"x".repeat(62)}…; ` +
          `"rating" must be a value between 1 and 5, got 9; "email": please give an address; ` +
          `"size" must be "small | medium" or "large", got 4; ` +
          "fix the row, and run again"
      )
    })
  )

  it.effect("hides the secrets in a value", () =>
    Effect.gen(function* () {
      const secret = `sk-ant-api03-${"x9Y8".repeat(20)}`
      const [invalid] = yield* rowsOf(Dataset.fromIterable("tickets", Ticket, [{ id: "a", urgency: secret }]))
      assert.strictEqual(
        invalid && inShort(invalid),
        'tickets row 1: "urgency" must be an integer, got "[redacted]"; fix the row, and run again'
      )
    })
  )

  it.effect("reports a row that is not an object", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(`[1]`)
      const rows = yield* rowsOf(Dataset.fromFile(Ticket, path))
      assert.match(String(rows.map(inShort)), /line 1: the row must be an object, got \[1\]; fix/)
    }).pipe(provideNode)
  )

  it.effect("is read again each time", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(`{"id":"a","urgency":1}`)
      const { rows } = Dataset.fromFile(Ticket, path)
      assert.strictEqual(yield* Stream.runCount(rows), 1)
      writeFileSync(path, `{"id":"a","urgency":1}\n{"id":"b","urgency":2}\n`)
      assert.strictEqual(yield* Stream.runCount(rows), 2)
    }).pipe(provideNode)
  )

  it.effect("is named, with a remedy, if it does not exist, is a folder, or has another format", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const absent = join(directory, "absent.jsonl")
      assert.strictEqual(
        yield* unreadable(absent),
        `${absent}: there is no such file; check the path, or use another file`
      )
      const inside = join(directory, "folder.jsonl")
      mkdirSync(inside)
      assert.strictEqual(
        yield* unreadable(inside),
        `${inside}: this is a folder; use a file in it, or use another file`
      )
      assert.strictEqual(
        yield* unreadable("tickets.xlsx"),
        `tickets.xlsx: ".xlsx" is not supported; save the sheet as CSV (UTF-8), or use another file that ends in .ndjson, .jsonl, .json, .csv, .tsv, .parquet, also with .gz or .zst`
      )
    }).pipe(provideNode)
  )

  it.effect("is refused if every line would be broken", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(`[\n{"id":"a","urgency":1},\n{"id":"b","urgency":2}\n]\n`)
      assert.match(yield* unreadable(path), /tickets\.ndjson: this is JSON over several lines; write one value a line/)
    }).pipe(provideNode)
  )

  it.effect("replaces another source of the same rows", () =>
    Effect.gen(function* () {
      const path = yield* fileOf(`{"id":"b","urgency":2}`)
      const memory = Dataset.fromIterable("tickets", Ticket, [{ id: "a", urgency: 1 }])
      const file = Dataset.withFiles(memory, [path])
      assert.strictEqual(file.name, path)
      assert.deepStrictEqual((yield* rowsOf(file)).map(inShort), [{ id: "b", urgency: 2 }])
    }).pipe(provideNode)
  )
})

describe("an iterable", () => {
  it.effect("returns rows with their numbers at each run, even from a generator function", () =>
    Effect.gen(function* () {
      const dataset = Dataset.fromIterable("tickets", Ticket, function* () {
        yield { id: "a", urgency: 1 }
        yield { id: "b", urgency: null }
      })
      for (const _ of [1, 2]) {
        assert.deepStrictEqual((yield* rowsOf(dataset)).map(inShort), [
          { id: "a", urgency: 1 },
          `tickets row 2: "urgency" must be an integer, got null; fix the row, and run again`
        ])
      }
    })
  )

  it.effect("is iterated only as far as its reader reads", () =>
    Effect.gen(function* () {
      const dataset = Dataset.fromIterable("numbers", Schema.Int, function* () {
        for (let number = 0; ; number++) yield number
      })
      const [, , third] = yield* Stream.runCollect(Stream.take(dataset.rows, 3))
      assert.deepStrictEqual(
        third,
        Result.succeed({ form: "value", value: 2, encoded: 2, place: { source: "numbers", unit: "row", number: 3 } })
      )
    })
  )
})

describe("a writer", () => {
  it.effect("creates the folders, and appends to the lines of the file", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "deep", "er", "out.jsonl")
      const write = (line: string) =>
        Effect.scoped(Effect.flatMap(Dataset.writeLines(path), ({ append }) => append([line])))
      yield* write("1")
      yield* write("2")
      assert.strictEqual(readFileSync(path, "utf8"), "1\n2\n")
    }).pipe(provideNode)
  )

  it.effect("has written every complete line when append returns, even with concurrent appends", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "out.jsonl")
      const { append } = yield* Dataset.writeLines(path)
      yield* append([`"first"`])
      assert.strictEqual(readFileSync(path, "utf8"), `"first"\n`)
      const lines = Array.from({ length: 200 }, (_, index) => JSON.stringify(`${index}`.repeat(1000)))
      yield* Effect.forEach(lines, (line) => append([line]), { concurrency: 64, discard: true })
      assert.sameMembers(readFileSync(path, "utf8").trimEnd().split("\n").slice(1), lines)
    }).pipe(provideNode)
  )

  it.effect("finishes a line before it starts the next", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "out.jsonl")
      const parts = yield* inParts
      const { append } = yield* Effect.provide(Dataset.writeLines(path), parts.layer)
      const first = yield* Effect.forkChild(append([`"first"`]), { startImmediately: true })
      yield* parts.isHalfWritten
      const second = yield* Effect.forkChild(append([`"second"`]), { startImmediately: true })
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      yield* parts.finish
      yield* Fiber.join(first)
      yield* Fiber.join(second)
      assert.strictEqual(readFileSync(path, "utf8"), `"first"\n"second"\n`)
    }).pipe(provideNode)
  )

  it.effect("finishes a line when it is interrupted during the write", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "out.jsonl")
      const parts = yield* inParts
      const { append } = yield* Effect.provide(Dataset.writeLines(path), parts.layer)
      const fiber = yield* Effect.forkChild(append([`"first"`]), { startImmediately: true })
      yield* parts.isHalfWritten
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* Effect.repeat(Effect.yieldNow, { times: 20 })
      yield* parts.finish
      yield* Fiber.join(interruption)
      assert.strictEqual(readFileSync(path, "utf8"), `"first"\n`)
    }).pipe(provideNode)
  )

  it.effect("returns the size of the file", () =>
    Effect.gen(function* () {
      const { append, replaceWith, size } = yield* Dataset.writeLines(yield* fileOf("old\n"))
      assert.strictEqual(yield* size, 4)
      yield* append([`"é"`])
      assert.strictEqual(yield* size, 9)
      yield* replaceWith(Stream.make("1"))
      assert.strictEqual(yield* size, 2)
    }).pipe(provideNode)
  )

  it.effect("replaces all lines atomically, and appends after them", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("old\n")
      const { append, replaceWith } = yield* Dataset.writeLines(path)
      const seen: Array<string> = []
      const look = Effect.sync(() => seen.push(readFileSync(path, "utf8")))
      yield* replaceWith(Stream.tap(Stream.make("1", "2"), () => look))
      yield* append(["3"])
      assert.deepStrictEqual(seen, ["old\n", "old\n"])
      assert.strictEqual(readFileSync(path, "utf8"), "1\n2\n3\n")
      yield* replaceWith(Stream.empty)
      assert.strictEqual(readFileSync(path, "utf8"), "")
      assert.isFalse(existsSync(`${path}.tmp`))
    }).pipe(provideNode)
  )

  it.effect("keeps the old lines if the new lines fail or are interrupted", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("old\n")
      const { append, replaceWith } = yield* Dataset.writeLines(path)
      const begun = Stream.fromIterable(["1", "2"])
      const error = yield* Effect.flip(replaceWith(Stream.concat(begun, Stream.fail("no"))))
      assert.strictEqual(error, "no")
      const fiber = yield* Effect.forkChild(replaceWith(Stream.concat(begun, Stream.never)))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(yield* Fiber.await(fiber)))
      yield* append(["3"])
      assert.strictEqual(readFileSync(path, "utf8"), "old\n3\n")
      assert.isFalse(existsSync(`${path}.tmp`))
    }).pipe(provideNode)
  )

  it.effect("fails before the run if the file cannot be written", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const inside = join(directory, "folder.jsonl")
      mkdirSync(inside)
      assert.strictEqual(
        yield* unwritable(inside),
        `${inside}: this is a folder; use a file in it, or use another file`
      )
      writeFileSync(join(directory, "file"), "")
      const below = join(directory, "file", "out.jsonl")
      assert.match(
        yield* unwritable(below),
        /out\.jsonl: there is a file where a folder should be; check the path, or use/
      )
      assert.strictEqual(
        yield* unwritable("out.xlsx"),
        `out.xlsx: ".xlsx" is not supported; save the sheet as CSV (UTF-8), or use another file that ends in .ndjson, .jsonl, .json, .csv, .tsv, .parquet, also with .gz or .zst`
      )
    }).pipe(provideNode)
  )

  it.effect.runIf(existsSync("/dev/full"))("reports a full disk (needs /dev/full, which Linux has)", () =>
    Effect.gen(function* () {
      const path = join(yield* folder, "full.jsonl")
      symlinkSync("/dev/full", path)
      const { append } = yield* Dataset.writeLines(path)
      const error = yield* Effect.flip(append(["1"]))
      assert.strictEqual(
        error.message,
        `${path}: there is no space left on the disk; make room and run again, or use another file`
      )
    }).pipe(provideNode)
  )

  it.effect.prop("writes any JSON so that a dataset reads it back", [Schema.Array(Schema.Json)], ([values]) =>
    Effect.gen(function* () {
      const path = join(yield* folder, "out.ndjson")
      const { append, replaceWith } = yield* Dataset.writeLines(path)
      const lines = values.map((value) => JSON.stringify(value))
      yield* replaceWith(Stream.fromIterable(lines))
      yield* append(lines)
      const rows = yield* rowsOf(Dataset.fromFile(Schema.Json, path))
      assert.deepStrictEqual(rows.map(inShort), JSON.parse(`[${[...lines, ...lines].join(",")}]`))
    }).pipe(Effect.scoped, provideNode)
  )
})

const provideNode = Effect.provide(NodeServices.layer)

/** A file system that writes the first half of a line, and the second half after `finish`. */
const inParts = Effect.gen(function* () {
  const fs = yield* FileSystem.FileSystem
  const half = yield* Deferred.make<void>()
  const gate = yield* Deferred.make<void>()
  const writingInParts = (file: FileSystem.File): FileSystem.File => ({
    ...file,
    stat: file.stat,
    writeAll: (bytes) =>
      Effect.gen(function* () {
        const middle = Math.ceil(bytes.length / 2)
        yield* file.writeAll(bytes.subarray(0, middle))
        yield* Deferred.succeed(half, undefined)
        yield* Deferred.await(gate)
        yield* file.writeAll(bytes.subarray(middle))
      })
  })
  const open: FileSystem.FileSystem["open"] = (path, options) => Effect.map(fs.open(path, options), writingInParts)
  return {
    layer: Layer.succeed(FileSystem.FileSystem, { ...fs, open }),
    isHalfWritten: Deferred.await(half),
    finish: Deferred.succeed(gate, undefined)
  }
})

const rowsOf = <A, E, R>(dataset: Dataset.Dataset<A, E, R>) => Stream.runCollect(dataset.rows)

/** The value of a row, or its error message. */
const inShort = <A>(row: Dataset.Row<A>) => (Result.isSuccess(row) ? row.success.value : row.failure.message)

const unreadable = (path: string) =>
  Effect.map(Effect.flip(Stream.runDrain(Dataset.fromFile(Ticket, path).rows)), ({ message }) => message)

const unwritable = (path: string) =>
  Effect.map(Effect.flip(Effect.scoped(Dataset.writeLines(path))), ({ message }) => message)

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "dataset-"))),
  (path) => Effect.promise(() => rm(path, { recursive: true }))
)

const fileOf = (content: string) =>
  Effect.map(folder, (directory) => {
    const path = join(directory, "tickets.ndjson")
    writeFileSync(path, content)
    return path
  })
