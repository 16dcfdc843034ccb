import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Media from "../../src/claude/Media.ts"

describe("the check of a PDF", () => {
  it("counts the pages of its last version, and not the ones that an update has replaced", () => {
    assert.strictEqual(problemOf(`${tree(1, 700)}%%EOF\n${tree(1, 7)}%%EOF`), undefined)
    assert.strictEqual(
      problemOf(`${tree(1, 7)}${tree(2, 700)}%%EOF`),
      "the PDF has 700 pages, and a request may have 600; split it"
    )
    assert.strictEqual(problemOf(`${tree(1, 600)}%%EOF`), undefined)
  })

  it("takes no long time for one that is made for it", () => {
    assert.strictEqual(problemOf("1 0 obj<</Type/Pages>>".repeat(300_000)), undefined)
    assert.strictEqual(problemOf(`1 0 obj<<${"/Type/Pages".repeat(300_000)}`), undefined)
  })
})

// Builders

const problemOf = (body: string) =>
  Result.match(Media.pdf(new TextEncoder().encode(`%PDF-1.4\n${body}`)), {
    onSuccess: () => undefined,
    onFailure: ({ detail }) => detail
  })

const tree = (number: number, pages: number) => `${number} 0 obj << /Type /Pages /Kids [] /Count ${pages} >> endobj\n`
