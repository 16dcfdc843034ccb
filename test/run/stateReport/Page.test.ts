import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import { message } from "../../../src/testing/testClaude/Message.ts"
import * as Cost from "../../../src/claude/Cost.ts"
import type { Report } from "../../../src/pipeline/Report.ts"
import * as Fold from "../../../src/pipeline/report/Fold.ts"
import type { Run } from "../../../src/pipeline/report/Head.ts"
import type { Attempt, Call, RowLog } from "../../../src/pipeline/report/RowLog.ts"
import * as Page from "../../../src/run/stateReport/Page.ts"
import { all, unbalanced } from "./wellFormed.ts"

describe("the page of a report", () => {
  it("is well-formed, with unique ids, a name for every chart, and a caption and headings in every table", () => {
    const page = Page.draw(reportOf(rowsOf(40)))
    assert.deepStrictEqual(unbalanced(page), [])
    const ids = all(page, /\sid="([^"]+)"/g)
    assert.strictEqual(new Set(ids).size, ids.length)
    const links = all(page, /(?:href="|aria-labelledby=")#?([^"]+)"/g).flatMap((names) => names.split(" "))
    assert.deepStrictEqual(
      links.filter((link) => !ids.includes(link)),
      []
    )
    const charts = all(page, /(<svg[^>]*>\s*<title[^>]*>[^<]+<\/title>\s*<desc)/g)
    assert.lengthOf(charts, page.split("<svg").length - 1)
    assert.isAtLeast(charts.length, 5)
    assert.isTrue(charts.every((chart) => chart.includes('role="img"')))
    assert.strictEqual(page.split("<table").length, page.split("<caption").length)
    assert.strictEqual(page.split("<h1").length, 2)
  })

  it("runs no script and asks for nothing, whatever a row contains", () => {
    const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>`
    const [row] = rowsOf(1)
    const failed = {
      ...(row ?? assert.fail("there is a row")),
      key: evil,
      state: 2,
      value: JSON.stringify({ error: evil, message: evil })
    }
    const page = Page.draw({ ...reportOf([failed]), job: evil, pipeline: `${evil}\n  ${evil}` })
    assert.deepStrictEqual(unbalanced(page), [])
    assert.notMatch(page, /<script|<img|<link|<iframe|onerror="|@import|url\(/)
    assert.deepStrictEqual(
      all(page, /\b(https?:[^"\s<]+)/g).filter((url) => url !== "http://www.w3.org/2000/svg"),
      []
    )
    assert.include(page, "default-src 'none'")
    assert.include(page, "&#60;script&#62;")
  })

  it("says in each part what there is not, for a job without rows, and of an earlier version", () => {
    for (const page of [Page.draw(reportOf([])), Page.draw(reportOf([], []))]) {
      assert.deepStrictEqual(unbalanced(page), [])
      for (const text of [
        "No call was billed.",
        "No call has a time",
        "No row has failed.",
        "No direct call has a duration"
      ]) {
        assert.include(page, text)
      }
    }
  })

  it("says at the top and at the end that an emulator answered", () => {
    const page = Page.draw({ ...reportOf(rowsOf(2)), emulated: true })
    assert.match(page, /<header>[^]*An emulator answered, not Claude[^]*<\/header>/)
    assert.match(page, /<footer>[^]*An emulator answered, not Claude[^]*<\/footer>/)
    assert.include(page, "Cost, had Claude answered")
    assert.notInclude(Page.draw(reportOf(rowsOf(2))), "An emulator answered")
  })

  it("says how a run ended, with the message of its error", () => {
    const stopped = { ...run, outcome: "JobHopeless", detail: "10 rows failed in succession" }
    assert.include(Page.draw(reportOf(rowsOf(2), [stopped])), "JobHopeless: 10 rows failed in succession")
  })

  it("has a table of workers where several worked on the job, which is folded after 20 of them", () => {
    assert.notInclude(Page.draw(reportOf(rowsOf(2))), "Workers")
    const page = (count: number) => Page.draw({ ...reportOf(rowsOf(2)), workers: workersOf(count) })
    assert.deepStrictEqual(unbalanced(page(200)), [])
    const [shown = "", folded = ""] = page(200).split("180 more workers")
    assert.include(shown, "200 workers have joined, and 100 of them worked at ")
    assert.include(shown, "pod 199")
    assert.notInclude(shown, "pod 179<")
    assert.include(folded, "pod 179<")
    assert.notInclude(page(20), "more worker")
    assert.isBelow(page(200).length - page(20).length, 150_000)
  })

  it("names the worker of each call where several worked on the job", () => {
    const rows = rowsOf(2).map((row) => ({ ...row, calls: row.calls.map((call) => ({ ...call, worker: "pod 7" })) }))
    assert.include(Page.draw(reportOf(rows)), "<td>pod 7</td>")
    assert.notInclude(Page.draw(reportOf(rowsOf(2))), ">Worker</th>")
  })

  it("names calls without a known price, and never shows them as free", () => {
    const page = Page.draw(reportOf(rowsOf(3, "claude-unknown-9")))
    assert.match(page, /3 calls without a known price/)
  })

  it("shows the scores of the rows, with a confusion matrix", () => {
    const rows = rowsOf(4).map((row, index) => ({
      ...row,
      value: JSON.stringify({
        key: row.key,
        urgency: index < 3 ? "low" : "high",
        expected_urgency: "low",
        score: index < 3 ? 1 : 0
      })
    }))
    const page = Page.draw(reportOf(rows))
    assert.match(page, /The mean score is 75\.0 %/)
    assert.match(page, /urgency: a row for each expected value/)
  })

  it("takes less than 2 MB for 10,000 rows, and not more for more rows", () => {
    const size = Page.draw(reportOf(rowsOf(10_000))).length
    assert.isBelow(size, 2_000_000)
    assert.isBelow(size, 1.5 * Page.draw(reportOf(rowsOf(1000))).length)
  })
})

// Builders

const run: Run = {
  run: 1,
  began: "2026-11-28T10:00:00.000Z",
  ended: "2026-11-28T10:05:00.000Z",
  outcome: "done",
  detail: null,
  total: 40,
  done: 40,
  failed: 0,
  invalid: 0,
  calls: 40,
  cost: BigDecimal.fromStringUnsafe("0.5"),
  unpriced: 0,
  settings: { mode: "direct", worker: "host" }
}

const workersOf = (count: number): Report["workers"] =>
  Array.from({ length: count }, (_, index) => ({
    worker: `pod ${index}`,
    state: index % 2 === 0 ? "working" : "gone",
    since: "2026-11-28T10:00:00.000Z",
    seen: "2026-11-28T11:00:00.000Z",
    joined: 1,
    done: index,
    failed: 0,
    calls: 2 * index,
    cost: BigDecimal.fromBigInt(1n),
    unpriced: 0
  }))

const began = Date.parse("2026-11-28T10:00:00Z")

const rowsOf = (count: number, model = "claude-haiku-4-5"): ReadonlyArray<RowLog> =>
  Array.from({ length: count }, (_, index): RowLog => {
    const reply = message({ model, content: ["Hello"], usage: { input_tokens: 1000 + index, output_tokens: 10 } })
    const at = began + index * 900
    const call: Call = {
      _tag: "Call",
      path: index % 2 === 0 ? "sort" : "draft",
      model,
      run: 1,
      origin: index % 5 === 4 ? "batch" : "api",
      at,
      duration: 500 + (index % 700),
      firstToken: 100,
      requestId: `req_${index}`,
      isRejected: false,
      bill: Cost.bill(reply, new Date(at)),
      message: reply,
      request: null
    }
    const attempt: Attempt = {
      _tag: "Attempt",
      path: "sort",
      model,
      run: 1,
      at,
      duration: 40,
      reason: "Overloaded",
      code: null,
      status: 529,
      requestId: null,
      usage: undefined,
      cost: undefined
    }
    return {
      key: `row ${index}`,
      run: 1,
      state: 1,
      value: null,
      calls: [call],
      attempts: index % 3 === 0 ? [attempt] : []
    }
  })

const reportOf = (rows: ReadonlyArray<RowLog>, runs: ReadonlyArray<Run> = [run]): Report => {
  const unpriced = rows.flatMap(({ calls }) => calls).filter(({ bill }) => bill.cost === undefined).length
  const all = runs.map((run) => ({ ...run, total: rows.length, unpriced }))
  const fold = Fold.make({ redact: (text) => text, texts: false, claimed: 1, runs: all, now: new Date(began) })
  for (const row of rows) fold.add(row)
  const zero = BigDecimal.fromBigInt(0n)
  return fold.result({
    job: "tickets",
    made: "2026-11-28T11:00:00.000Z",
    emulated: false,
    pipeline: "sort → draft\n  sort\n  draft",
    runs: all,
    workers: [],
    limits: [{ run: 1, at: began, group: "claude-haiku-4", requests: 50 }],
    waits: [],
    replays: { calls: 0, saved: zero, unpriced: 0 },
    unsettled: zero
  })
}
