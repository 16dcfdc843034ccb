import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Dataset } from "effect-claude"
import { fileOf, provideNode, read } from "./files.ts"

const Row = Schema.Struct({ id: Schema.Finite })

describe("a JSON file", () => {
  it.effect("has one array of rows, on one line or on several", () =>
    Effect.gen(function* () {
      for (const text of ['[{"id":1},{"id":2}]', '\uFEFF[\r\n  {"id": 1},\r\n  {\n"id":2}\n]\n']) {
        assert.deepStrictEqual(yield* read(Row, yield* fileOf("rows.json", text)), [{ id: 1 }, { id: 2 }])
      }
      assert.deepStrictEqual(yield* read(Row, yield* fileOf("rows.json", " [ ] ")), [])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("reports rows by their numbers, and continues", () =>
    Effect.gen(function* () {
      const path = yield* fileOf("rows.json", '[{"id":"a"},{"id":2}]')
      assert.deepStrictEqual(yield* read(Row, path), ['rows.json row 1: "id" must be a number, got "a"', { id: 2 }])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("refuses the rows whose whole numbers cannot be read exactly", () =>
    Effect.gen(function* () {
      const numbers = [
        "9007199254740992",
        "9007199254740993",
        "-90071992547409930",
        "1e300",
        "0.12345678901234566",
        "12"
      ]
      const rows = numbers.map((number) => `{"id":${number},"text":"9007199254740997"}`)
      const path = yield* fileOf("rows.json", `[${rows.join(",")}]`)
      const found = yield* read(Row, path)
      assert.deepStrictEqual(Array.isArray(found) ? found.slice(1) : found, [
        'rows.json row 2: the number 9007199254740993 cannot be read exactly; write it as a text: "9007199254740993"',
        'rows.json row 3: the number -90071992547409930 cannot be read exactly; write it as a text: "-90071992547409930"',
        { id: 1e300 },
        { id: 0.12345678901234566 },
        { id: 12 }
      ])
    }).pipe(Effect.scoped, provideNode)
  )

  it.effect("has all its bytes in pages, and rows over the ends of chunks", () =>
    Effect.gen(function* () {
      const rows = Array.from({ length: 20_000 }, (_, id) => ({ id, text: "é€😀".repeat(id % 9) }))
      const content = JSON.stringify(rows)
      const path = yield* fileOf("rows.json", content)
      const pages = yield* Stream.runCollect(Dataset.fromFile(Row, path).pages)
      assert.isAbove(pages.length, 2)
      assert.strictEqual(Buffer.concat(pages.map(({ bytes }) => bytes ?? Buffer.alloc(0))).toString(), content)
      assert.deepStrictEqual(
        yield* read(Row, path),
        rows.map(({ id }) => ({ id }))
      )
    }).pipe(Effect.scoped, provideNode)
  )
})
