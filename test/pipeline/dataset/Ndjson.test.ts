import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Ndjson from "../../../src/pipeline/dataset/Ndjson.ts"

describe("split and parse", () => {
  it.effect("skips blank lines and counts them", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* decode("\n1\n  \n\t\r\n2\n\u00a0\u2003\r\n\n 3"), [
        { number: 2, value: Result.succeed(1) },
        { number: 5, value: Result.succeed(2) },
        { number: 8, value: Result.succeed(3) }
      ])
    })
  )

  it.effect("accepts CRLF, a BOM, and a last line without a line break", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* decode(`\uFEFF{"a":1}\r\n"é"\r\n3`), [
        { number: 1, value: Result.succeed({ a: 1 }) },
        { number: 2, value: Result.succeed("é") },
        { number: 3, value: Result.succeed(3) }
      ])
    })
  )

  it.effect("reports each line that is not JSON or not UTF-8", () =>
    Effect.gen(function* () {
      const latin1 = new Uint8Array([0x22, 0xe9, 0x22])
      const bytes = [Ndjson.encode(["oops", `{"a":`, "1 2"]), latin1, Ndjson.encode(["", "4"])]
      const lines = yield* Stream.runCollect(decodeBytes(Stream.fromIterable(bytes)))
      assert.deepStrictEqual(
        lines.map(({ value }) => Result.merge(value)),
        [
          `not JSON: Unexpected token 'o', "oops" is not valid JSON`,
          "not JSON: Unexpected end of JSON input",
          "not JSON: Unexpected non-whitespace character after JSON at column 3",
          "not UTF-8",
          4
        ]
      )
    })
  )

  it.effect("reports a line that is too long for a request, and continues after it", () =>
    Effect.gen(function* () {
      const million = new Uint8Array(1_000_000).fill(0x20)
      const bytes = Stream.concat(
        Stream.concat(Stream.make(Ndjson.encode(["1"])), Stream.take(Stream.forever(Stream.make(million)), 40)),
        Stream.make(Ndjson.encode(["", "3"]))
      )
      assert.deepStrictEqual(yield* Stream.runCollect(decodeBytes(bytes)), [
        { number: 1, value: Result.succeed(1) },
        { number: 2, value: Result.fail("longer than 32 MB, a request's limit") },
        { number: 3, value: Result.succeed(3) }
      ])
    })
  )

  it.effect("refuses numbers that JavaScript cannot hold exactly, and reads other long numbers", () =>
    Effect.gen(function* () {
      const lines = yield* decode(
        '{"id":141813328494068860}\n{"id":9007199254740993}\n{"id":[{"n":-90071992547409930001}]}\n{"id":9007199254740992,"text":"9007199254740993"}'
      )
      const reason = (number: string) => `the number ${number} cannot be read exactly; write it as a text: "${number}"`
      assert.deepStrictEqual(
        lines.map(({ value }) => Result.merge(value)),
        [
          { id: 141813328494068860 },
          reason("9007199254740993"),
          reason("-90071992547409930001"),
          { id: 9007199254740992, text: "9007199254740993" }
        ]
      )
    })
  )

  it.effect("reads a long number that JavaScript holds exactly but would write in another form", () =>
    Effect.gen(function* () {
      const digits = `1${"0".repeat(21)}`
      const tooLarge = "9".repeat(400)
      const lines = yield* decode(`{"id":${digits}}\n{"id":-${digits}}\n{"id":${tooLarge}}\n{"id":1.00000000000000001}`)
      assert.deepStrictEqual(
        lines.map(({ value }) => Result.merge(value)),
        [
          { id: 1e21 },
          { id: -1e21 },
          `the number ${tooLarge} cannot be read exactly; write it as a text: "${tooLarge}"`,
          { id: 1 }
        ]
      )
    })
  )

  it.effect.prop(
    "reads the lines of encode, wherever its chunks end",
    [Schema.Array(Schema.Json), Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 7 }))],
    ([values, size]) =>
      Effect.gen(function* () {
        const texts = values.map((value) => JSON.stringify(value))
        const bytes = Ndjson.encode(texts)
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size)
        )
        const lines = yield* Stream.runCollect(decodeBytes(Stream.fromIterable(chunks)))
        const expected = texts.map((text, index) => ({ number: index + 1, value: Result.succeed(JSON.parse(text)) }))
        assert.deepStrictEqual(lines, expected)
      })
  )
})

describe("problemOf", () => {
  const problemOf = (text: string) => Ndjson.problemOf(new TextEncoder().encode(text))

  it("recognizes UTF-16 by its BOM", () => {
    assert.strictEqual(Ndjson.problemOf(new Uint8Array([0xff, 0xfe, 0x7b, 0])), "this is UTF-16; save it as UTF-8")
    assert.strictEqual(Ndjson.problemOf(new Uint8Array([0xfe, 0xff, 0, 0x7b])), "this is UTF-16; save it as UTF-8")
  })

  it("recognizes JSON over several lines", () => {
    for (const text of [
      '[\n{"id":1},\n{"id":2}\n]\n',
      ' [{"id":1},\n{"id":2}]',
      '{\n  "id": 1\n}\n',
      "\uFEFF[\r\n{}]"
    ]) {
      assert.match(problemOf(text) ?? "", /^this is JSON over several lines; write one value a line/)
    }
  })

  it("recognizes lines that end in CR", () => {
    assert.strictEqual(problemOf('{"id":1}\r{"id":2}\r'), "its lines end in CR; end them in LF")
  })

  it("accepts NDJSON, even with a broken first line", () => {
    for (const text of [
      "",
      "\n\n1\n",
      '{"id":1}\r\n{"id":2}\r\n',
      '{"id":1\n{"id":2}\n',
      "[1]\n[2]\n",
      '[{"id":1}]',
      "1\r"
    ]) {
      assert.isUndefined(problemOf(text))
    }
  })
})

const decodeBytes = <E, R>(bytes: Stream.Stream<Uint8Array, E, R>) =>
  Stream.flatMap(Ndjson.split(bytes), ({ lines }) =>
    Stream.fromIterable(lines.map((line) => ({ number: line.number, value: Ndjson.parse(line) })))
  )

const decode = (text: string) => Stream.runCollect(decodeBytes(Stream.make(new TextEncoder().encode(text))))
