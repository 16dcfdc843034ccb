import { assert, describe, it } from "@effect/vitest"
import { onTestFinished } from "vitest"
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { at, cli, folder, lines } from "./cli.ts"
import { type Asked, standIn } from "./standIn.ts"

describe("effect-claude map --file", () => {
  it("puts the file of each row before the prompt, from the folder of the data", async () => {
    const server = await answering()
    const files = input("id,photo,notes\n1,photos/red.png,\n2,https://example.com/a.pdf,photos/note.txt\n")
    const flags = ["--prompt", "What is it?", "--file", "photo", "--file", "notes?", "--key", "id"]
    const { code, stderr } = await cli(map(files, ...flags), server)
    assert.strictEqual(code, 0, stderr)
    assert.notInclude(stderr, "every row gets the same one")
    const question = { type: "text", text: "What is it?" }
    const [first, second] = contents(server.requests()).toSorted((a, b) => a.length - b.length)
    assert.deepStrictEqual(
      first?.map(({ source, type }) => [type, source?.["media_type"]]),
      [
        ["image", "image/png"],
        ["text", undefined]
      ]
    )
    assert.deepStrictEqual(second, [
      { type: "document", source: { type: "url", url: "https://example.com/a.pdf" }, title: "a.pdf" },
      { type: "document", source: { type: "text", media_type: "text/plain", data: "Soft." }, title: "note.txt" },
      question
    ])
    assert.deepStrictEqual(results(files), [
      { key: "1", id: "1", photo: "photos/red.png", notes: "", text: "red" },
      { key: "2", id: "2", photo: "https://example.com/a.pdf", notes: "photos/note.txt", text: "red" }
    ])
  })

  it("reports a missing file with line and path, and runs the other rows", async () => {
    const files = input("id,photo\n1,photos/red.png\n2,photos/blue.png\n3,\n4,photos\n")
    const { code, stdout } = await cli([...map(files, "--prompt", "Describe it.", "--file", "photo"), "--emulator"])
    assert.strictEqual(code, 1)
    const missing = join(files.path, "photos/blue.png")
    assert.include(stdout, `data.csv line 3: "photo": ${missing}: there is no such file; correct the path`)
    assert.include(stdout, 'data.csv line 4: "photo": names no file; write its path, or --file "photo?"')
    assert.include(stdout, `data.csv line 5: "photo": ${join(files.path, "photos")}: this is a folder`)
    assert.lengthOf(lines(files.output), 1)
  })

  it("takes a folder of images, PDFs and texts", async () => {
    const server = await answering()
    const files = input("")
    const photos = { data: join(files.path, "photos"), output: files.output }
    writeFileSync(join(files.path, "photos/paper.pdf"), "%PDF-1.4\n\u00ff", "latin1")
    const { code, stderr } = await cli(map(photos, "--prompt", "Read it.", "--file", "path", "--key", "path"), server)
    assert.strictEqual(code, 0, stderr)
    assert.deepStrictEqual(
      results(files).map((row) => ("path" in row ? row.path : undefined)),
      ["note.txt", "other.txt", "paper.pdf", "red.png"]
    )
    assert.deepStrictEqual(
      contents(server.requests())
        .map(([block]) => block?.source?.["media_type"])
        .toSorted(),
      ["application/pdf", "image/png", "text/plain", "text/plain"]
    )
    const prompted = { ...photos, output: join(files.path, "texts.jsonl") }
    const { stdout } = await cli(map(prompted, "--prompt", "{{text}}", "--key", "path"), server)
    assert.match(stdout, /red\.png.*"text" is missing/)
  })

  it("fails a row whose file the API would refuse, with the remedy, and refuses an unknown column", async () => {
    const server = await answering()
    const files = input("id,photo\n1,data.csv.bmp\n")
    writeFileSync(join(files.path, "data.csv.bmp"), "BM\0\0\u00ff")
    const { code, stdout } = await cli(map(files, "--prompt", "Describe it.", "--file", "photo"), server)
    assert.strictEqual(code, 1)
    assert.match(stdout, /data\.csv\.bmp: this is a BMP image, and not an image, a PDF or a text in UTF-8; convert it/)
    const unknown = await cli(map(files, "--prompt", "Describe it.", "--file", "foto"), server)
    assert.strictEqual(unknown.code, 2)
    assert.include(unknown.stderr, '--file: there is no column "foto"; the nearest are "photo"')
    assert.lengthOf(server.requests(), 0)
  })

  it("notices a changed file, and --rerun pays only for its row", async () => {
    const server = await answering()
    const files = input("id,notes\n1,photos/note.txt\n2,photos/other.txt\n")
    const flags = ["--prompt", "Read it.", "--file", "notes", "--key", "id"]
    assert.deepInclude(await cli(map(files, ...flags), server), { code: 0 })
    assert.deepInclude(await cli(map(files, ...flags), server), { code: 0 })
    writeFileSync(join(files.path, "photos/note.txt"), "Hard.")
    const changed = await cli(map(files, ...flags), server)
    assert.strictEqual(changed.code, 2)
    assert.match(changed.stderr, /has changed since it finished rows: .*Hard.*--rerun/s)
    assert.lengthOf(server.requests(), 2)
    assert.deepInclude(await cli(map(files, ...flags, "--rerun"), server), { code: 0 })
    assert.lengthOf(server.requests(), 3)
  })
})

// Builders

interface Block {
  readonly type: string
  readonly source?: Readonly<Record<string, string>>
  readonly text?: string
  readonly title?: string
}

/** The blocks of the messages. The type of a request of the server has texts only. */
const contents = (requests: ReadonlyArray<Asked>): ReadonlyArray<ReadonlyArray<Block>> =>
  requests.map(({ messages: [{ content }] }) => JSON.parse(JSON.stringify(content)))

const answering = async () => {
  const server = await standIn(undefined, () => "red")
  onTestFinished(server.close)
  return { env: at(server.url), requests: server.requests }
}

/** A folder with this data, an image and two texts. */
const input = (csv: string) => {
  const { output, path } = folder(0)
  const data = join(path, "data.csv")
  writeFileSync(data, csv)
  mkdirSync(join(path, "photos"))
  copyFileSync("examples/17-image.png", join(path, "photos/red.png"))
  writeFileSync(join(path, "photos/note.txt"), "Soft.")
  writeFileSync(join(path, "photos/other.txt"), "Other.")
  return { data, output, path }
}

const results = ({ output }: { readonly output: string }): ReadonlyArray<object> => lines(output)

const map = ({ data, output }: { readonly data: string; readonly output: string }, ...flags: ReadonlyArray<string>) =>
  ["map", data, "--output", output, ...flags] as const
