import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Where from "../../src/run/Where.ts"
import { at, cli, folder, lines, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"

describe("--where", () => {
  it.effect("compares a column with the value as the input has it", () =>
    Effect.gen(function* () {
      const row = { id: 12, code: "007", name: "a = b", isNew: true, none: null }
      const selected = (text: string) =>
        Effect.map(Where.parse(text, Schema.Record(Schema.String, Schema.Unknown)), (where) => where(row, row))
      for (const text of ["id=12", "code=007", "name=a = b", "isNew=true", "none=null", " id =12"]) {
        assert.isTrue(yield* selected(text), text)
      }
      for (const text of ["id=012", "code=7", "name=a", "isNew=1", "none=", "other=undefined"]) {
        assert.isFalse(yield* selected(text), text)
      }
      for (const text of ["id!=13", "code!=", "name !=a", "other!=x", "none!=x"]) {
        assert.isTrue(yield* selected(text), text)
      }
      for (const text of ["id!=12", "none!=", "other!=", "name!=a = b"]) assert.isFalse(yield* selected(text), text)
    })
  )

  it.effect("refuses a column that the schema does not have, and names the nearest ones", () =>
    Effect.gen(function* () {
      const Row = Schema.Struct({ id: Schema.Int, urgency: Schema.String, since: Schema.Date }).pipe(
        Schema.encodeKeys({ since: "created_at" })
      )
      const { message } = yield* Effect.flip(Where.parse("urgncy=high", Row))
      assert.strictEqual(
        message,
        '--where: rows have no column "urgncy"; the nearest are "urgency", "id", "created_at"'
      )
      yield* Where.parse("created_at=2026-11-28", Row)
      yield* Effect.flip(Where.parse("since=2026-11-28", Row))
    })
  )

  it.effect("refuses a text without a column and a value", () =>
    Effect.gen(function* () {
      for (const text of ["urgency", "=high", ""]) {
        const { message } = yield* Effect.flip(Where.parse(text, Schema.Unknown))
        assert.strictEqual(message, `--where "${text}" names no column and value; write it as --where "column=value"`)
      }
    })
  )

  it("runs the rows that it selects, and leaves the others pending", async () => {
    const server = await standIn()
    const files = folder(6)
    const { code, stdout } = await cli(runOf(files, "--where", "subject=mail 3"), { env: at(server.url) })
    assert.strictEqual(code, 0)
    assert.include(stdout, "5 rows are not selected, and pending.")
    assert.deepStrictEqual(
      lines(files.output).map(({ key }) => key),
      ["4"]
    )
    const none = await cli(runOf(files, "--where", "subject=mail 9"), { env: at(server.url) })
    assert.include(none.stdout, "\nNo row that is to run has subject=mail 9. 5 rows are pending.")
    const wrong = await cli(runOf(files, "--where", "topic=mail 3"), { env: at(server.url) })
    assert.strictEqual(wrong.code, 2)
    assert.include(wrong.stderr, 'rows have no column "topic"; the nearest are')
    server.close()
  })
})
