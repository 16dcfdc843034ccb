import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { parquetMetadata } from "hyparquet"
import { ByteWriter, ParquetWriter } from "hyparquet-writer"
import { join } from "node:path"
import { at, cli, folder, lines, runOf } from "./cli.ts"
import { standIn } from "./standIn.ts"

describe("effect-claude export", () => {
  it("writes results and failures of a stopped run in the format of the file, in input order, all or some", async () => {
    const server = await standIn((call) => (call === 3 ? 400 : undefined))
    const files = folder(20)
    await cli(runOf(files, "--limit", "10", "--concurrency", "1"), { env: at(server.url) })
    const to = (name: string) => join(files.path, name)
    const { code, stderr, stdout } = await cli([
      "export",
      files.output,
      "--output",
      to("a.csv"),
      "--failures",
      to("b.json")
    ])
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stdout, `${to("a.csv")}: 9 rows\n${to("b.json")}: 1 failed row\n`)
    const results = readFileSync(to("a.csv"), "utf8").trimEnd().split(/\r?\n/)
    assert.deepStrictEqual(results.slice(0, 4), ["key,value", "1,An answer.", "2,An answer.", "4,An answer."])
    assert.lengthOf(results, 10)
    const [failure] = JSON.parse(readFileSync(to("b.json"), "utf8"))
    assert.deepInclude(failure, { key: "3", error: "InvalidRequest", attempts: 1 })

    await cli(["export", files.output, "--output", to("c.jsonl"), "--where", "key=4"])
    assert.deepStrictEqual(lines(to("c.jsonl")), [{ key: "4", value: "An answer." }])
    server.close()
  })

  it("keeps the types of a Parquet input in Parquet", async () => {
    const server = await standIn()
    const files = folder(0)
    const to = (name: string) => join(files.path, name)
    const writer = new ByteWriter()
    const price = {
      type: "INT32",
      converted_type: "DECIMAL",
      precision: 9,
      scale: 2,
      repetition_type: "OPTIONAL"
    } as const
    const schema = [
      { name: "root", num_children: 1 },
      { ...price, name: "price" }
    ]
    const file = new ParquetWriter({ writer, schema })
    void file.write({ columnData: [{ name: "price", data: [150, 275] }] })
    void file.finish()
    writeFileSync(to("in.parquet"), writer.getBytes())
    const map = ["map", to("in.parquet"), "--prompt", "{{price}}", "--output", files.output]
    await cli(map, { env: at(server.url) })
    assert.lengthOf(lines(files.output), 2)
    const exported = await cli(["export", files.output, "--output", to("out.parquet")])
    assert.strictEqual(exported.stderr, "")
    const metadata = parquetMetadata(new Uint8Array(readFileSync(to("out.parquet"))).buffer)
    assert.deepInclude(
      metadata.schema.find(({ name }) => name === "price"),
      { type: "INT32", precision: 9, scale: 2 }
    )
    server.close()
  })

  it("writes the columns of failures where no row has failed", async () => {
    const server = await standIn()
    const files = folder(2)
    await cli(runOf(files), { env: at(server.url) })
    const failures = join(files.path, "failed.csv")
    const { stdout } = await cli(["export", files.output, "--failures", failures])
    assert.strictEqual(stdout, `${failures}: 0 failed rows\n`)
    assert.strictEqual(readFileSync(failures, "utf8"), "key,error,message,attempts,calls,cost\r\n")
    server.close()
  })

  it("refuses to write nothing, and an ending that no format has", async () => {
    const server = await standIn()
    const files = folder(1)
    await cli(runOf(files), { env: at(server.url) })
    const nothing = await cli(["export", files.output])
    assert.deepInclude(nothing, {
      code: 2,
      stderr: "effect-claude: name a file: --output results.csv, --failures failed.csv, or both\n"
    })
    const unknown = await cli(["export", files.output, "--output", join(files.path, "a.xlsx")])
    assert.strictEqual(unknown.code, 2)
    assert.isFalse(existsSync(join(files.path, "a.xlsx")))
    server.close()
  })
})
