import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as CsvText from "../../../src/pipeline/dataset/CsvText.ts"

describe("CsvText", () => {
  it.effect("writes texts, numbers and booleans plain, null as nothing, and nested values as JSON", () =>
    Effect.gen(function* () {
      const line = { key: "007", name: "Ann", age: 1.5, ok: false, none: null, tags: ["a", 1], deep: { x: "y" } }
      const expected = 'key,name,age,ok,none,tags,deep\r\n007,Ann,1.5,false,,"[""a"",1]","{""x"":""y""}"\r\n'
      assert.strictEqual(yield* csv(line), expected)
    })
  )

  it.effect("quotes line breaks, quotes and delimiters", () =>
    Effect.gen(function* () {
      const text = 'say "yes",\r\nor\tno'
      assert.strictEqual(yield* csv({ text, key: "1" }), 'text,key\r\n"say ""yes"",\r\nor\tno",1\r\n')
      const tab = yield* write("\t", [{ text, key: "1,2" }])
      assert.strictEqual(tab, 'text\tkey\r\n"say ""yes"",\r\nor\tno"\t1,2\r\n')
    })
  )

  it.effect("has the columns of all lines, in the order of the lines", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* csv({ key: "1", result: "a" }, { key: "2", town: "Rome", result: "b", last: 1 }),
        "key,town,result,last\r\n1,,a,\r\n2,Rome,b,1\r\n"
      )
    })
  )

  it.effect("writes nothing without lines", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* csv(), "")
    })
  )

  it.effect("writes columns with the names of object members, also where a line lacks them", () =>
    Effect.gen(function* () {
      const lines = Stream.make('{"key":"1","__proto__":"kept","toString":1}', '{"key":"2"}')
      assert.strictEqual(yield* decoded(CsvText.encode(",")(lines)), "key,__proto__,toString\r\n1,kept,1\r\n2,,\r\n")
    })
  )
})

const csv = (...lines: ReadonlyArray<object>) => write(",", lines)

const write = (delimiter: "," | "\t", lines: ReadonlyArray<object>) =>
  decoded(CsvText.encode(delimiter)(Stream.fromIterable(lines.map((line) => JSON.stringify(line)))))

const decoded = (bytes: Stream.Stream<Uint8Array>) => Stream.mkString(Stream.decodeText(bytes))
