import { gzipSync, zstdCompressSync } from "node:zlib"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { fileOf, provideNode, read } from "./dataset/files.ts"

const Row = Schema.Struct({ id: Schema.String, urgency: Schema.Int })

const good = "id,urgency\na,1\nb,2\n"
const a = { id: "a", urgency: 1 }
const b = { id: "b", urgency: 2 }

const utf16 = (text: string) => Buffer.from(text, "utf16le")
const bytes = (...parts: ReadonlyArray<string | Uint8Array>) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : part)))

/** A file by its name, its content, and what a reader gets: rows and messages, or one message for the whole file. */
const files: ReadonlyArray<readonly [string, string, string | Uint8Array, unknown]> = [
  ["is empty", "1.csv", "", "1.csv: it is empty; write the names of the columns in its first line"],
  [
    "has only empty lines",
    "2.csv",
    "\n\r\n \n",
    "2.csv: it is empty; write the names of the columns in its first line"
  ],
  ["has only a header", "3.csv", "id,urgency\n", []],
  [
    "has a short and a long row",
    "4.csv",
    "id,urgency\na,1\nb\nb,2,3\nb,2\n",
    [
      a,
      "4.csv line 3: record 3 has 1 cell, and the header 2; add the cells that are missing",
      "4.csv line 4: record 4 has 3 cells, and the header 2; put quotes around a cell with a delimiter in it",
      b
    ]
  ],
  [
    "has a header twice",
    "5.csv",
    "id,urgency,id\na,1,b\n",
    '5.csv: the columns 1 and 3 of the header are both "id"; rename one'
  ],
  ["has a BOM", "6.csv", bytes("\uFEFF", good), [a, b]],
  ["is UTF-16 with a BOM", "7.csv", utf16(`\uFEFF${good}`), "7.csv: this is UTF-16; save it as UTF-8"],
  ["is UTF-16 without a BOM", "8.csv", utf16(good), "8.csv: this is UTF-16; save it as UTF-8"],
  ["mixes line endings", "9.csv", "id,urgency\r\na,1\rb,2\n\n", [a, b]],
  [
    "is Latin-1 in one row",
    "10.csv",
    bytes("id,urgency\nM", new Uint8Array([0xfc]), "ller,1\nb,2\n"),
    ["10.csv line 2: not UTF-8; save the file as UTF-8", b]
  ],
  [
    "is Latin-1 in its header",
    "11.csv",
    bytes("id,urgency,gr", new Uint8Array([0xf6]), "sse\n"),
    "11.csv: line 1: not UTF-8; save the file as UTF-8"
  ],
  [
    "has a quote that is not closed",
    "12.csv",
    `id,urgency\na,1\n"b,2\nc,3\n`,
    "12.csv: line 3 begins a record with a quote that is not closed; close it"
  ],
  [
    "has a quote inside a cell without quotes",
    "13.csv",
    `id,urgency\n5" pipe,1\n`,
    '13.csv: line 2, column 1: a cell with a quote in it must begin and end with one; write 5" as "5"""'
  ],
  [
    "has text after a closing quote",
    "14.csv",
    `id,urgency\n"a"b,1\n`,
    '14.csv: line 2, column 1: a cell ends after its closing quote; write "" for a quote inside it'
  ],
  ["has another column than the schema", "15.csv", "id,Urgency\na,1\n", ['15.csv line 2: "urgency" is missing']],
  [
    "has a cell that is no number",
    "16.csv",
    "id;urgency\na;high\nb;2\n",
    ['16.csv line 2: "urgency" must be an integer, got "high"', b]
  ],
  [
    "is a spreadsheet with another ending",
    "17.csv",
    bytes("PK", new Uint8Array([3, 4, 20, 0])),
    "17.csv: this is a zip file or a spreadsheet; unpack it, or save the sheet as CSV (UTF-8)"
  ],
  [
    "is compressed without the ending",
    "18.csv",
    gzipSync(good),
    "18.csv: this is compressed with gzip; rename it to end in .gz"
  ],
  [
    "is compressed and was cut off",
    "19.csv.gz",
    gzipSync(good).subarray(0, -9),
    "19.csv.gz: its last bytes are missing, so it was cut off; fetch it or make it again"
  ],
  [
    "has other bytes after its gzip",
    "20.csv.gz",
    bytes(gzipSync(good), "more"),
    "20.csv.gz: incorrect header check: it is damaged, or has other bytes after its end; fetch it or make it again"
  ],
  ["has two gzip members", "21.csv.gz", bytes(gzipSync("id,urgency\na,"), gzipSync("1\nb,2\n")), [a, b]],
  [
    "has two zstd frames",
    "22.csv.zst",
    bytes(zstdCompressSync("id,urgency\na,"), zstdCompressSync("1\nb,2\n")),
    [a, b]
  ],
  [
    "has a zstd frame that was cut off",
    "23.csv.zst",
    bytes(zstdCompressSync("id,urgency\n"), zstdCompressSync("a,1\n").subarray(0, -2)),
    "23.csv.zst: its last bytes are missing, so it was cut off; fetch it or make it again"
  ],
  [
    "has other bytes after its zstd",
    "24.csv.zst",
    bytes(zstdCompressSync(good), "more"),
    "24.csv.zst: it has other bytes after its last frame; remove them, or make it again"
  ],
  [
    "is no gzip",
    "25.csv.gz",
    good,
    "25.csv.gz: incorrect header check: it is damaged, or has other bytes after its end; fetch it or make it again"
  ],
  [
    "is an object",
    "26.json",
    `{"total":1,"items":[{"id":"a","urgency":1}]}`,
    "26.json: this is an object, not an array of rows; write its array to a file, such as with jq .items"
  ],
  [
    "is NDJSON",
    "27.json",
    `{"id":"a","urgency":1}\n{"id":"b","urgency":2}\n`,
    "27.json: this is one JSON value a line; rename it to end in .jsonl"
  ],
  [
    "lacks its end",
    "28.json",
    `[{"id":"a","urgency":1},\n {"id":`,
    "28.json: line 2, column 8: not JSON: Unexpected end of input; correct the file"
  ],
  [
    "has a broken element",
    "29.json",
    `[{"id":"a","urgency":1},\n {"id":"b" "urgency":2}]`,
    "29.json: line 2, column 2: not JSON: Invalid JSON value; correct the file"
  ],
  [
    "has more than its array",
    "30.json",
    `[{"id":"a","urgency":1}]\n[]`,
    "30.json: line 2, column 1: not JSON: Unexpected content after the document; correct the file"
  ],
  [
    "has a broken line",
    "31.jsonl",
    `{"id":"a","urgency":1}\n{"id":"b"\n{"id":"b","urgency":2}`,
    [a, "31.jsonl line 2: not JSON: Expected ',' or '}' after property value at column 10", b]
  ],
  [
    "is one array",
    "32.jsonl",
    "[\n{}\n]",
    "32.jsonl: this is JSON over several lines; write one value a line, with jq -c '.[]' for an array and jq -c . otherwise"
  ],
  [
    "has a whole number that is not exact",
    "33.jsonl",
    `{"id":"a","urgency":9007199254740993}`,
    ['33.jsonl line 1: the number 9007199254740993 cannot be read exactly; write it as a text: "9007199254740993"']
  ],
  [
    "is a spreadsheet",
    "34.xlsx",
    "PK",
    '34.xlsx: ".xlsx" is not supported; save the sheet as CSV (UTF-8), or use another file that ends in .ndjson, .jsonl, .json, .csv, .tsv, .parquet, also with .gz or .zst'
  ],
  [
    "has a line longer than a request, without an end",
    "35.csv",
    Buffer.alloc(40_000_000, "x"),
    "35.csv: line 1 begins a record longer than 32 MB, a request's limit; end its lines, or close a quote in it"
  ],
  [
    "has a huge element",
    "36.json",
    bytes('["', Buffer.alloc(40_000_000, "x")),
    "36.json: line 1, column 2: a row is longer than 32 MB, a request's limit, or too deep; correct the file"
  ],
  [
    "has a huge line",
    "37.jsonl",
    bytes('"', Buffer.alloc(40_000_000, "x"), `"\n{"id":"b","urgency":2}`),
    ["37.jsonl line 1: longer than 32 MB, a request's limit", b]
  ]
]

describe("a file that", () => {
  for (const [what, name, content, expected] of files) {
    it.effect(`${what} (${name}) is read as far as it can be, and its problem has a remedy`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual<unknown>(yield* read(Row, yield* fileOf(name, content)), expected)
      }).pipe(Effect.scoped, provideNode)
    )
  }
})
