/**
 * A strict reader of the text format of Prometheus, version 0.0.4, as its documentation describes it:
 * https://prometheus.io/docs/instrumenting/exposition_formats/. It throws at the first line that the format does not allow.
 */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const name = "[a-zA-Z_:][a-zA-Z0-9_:]*"
const label = "[a-zA-Z_][a-zA-Z0-9_]*"
const text = String.raw`(?:[^"\\\n]|\\["\\n])*`
const labels = new RegExp(`(${label})="(${text})"`, "g")
const sample = new RegExp(`^(${name})(?:\\{((?:${label}="${text}"(?:,(?!\\})|(?=\\})))+)\\})? (\\S+)$`)
const number = /^(?:NaN|[+-]Inf|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)$/

/** The samples of a page. */
export const parse = (page: string): ReadonlyArray<Sample> => {
  if (!page.endsWith("\n")) throw new Error("the last line has no end")
  const samples: Array<Sample> = []
  const types = new Map<string, string>()
  const helped = new Set<string>()
  const series = new Set<string>()
  let family = ""
  for (const line of page.slice(0, -1).split("\n")) {
    const fail = (why: string) => new Error(`${why}: ${line}`)
    const [, kind, of, rest = ""] = new RegExp(`^# (HELP|TYPE) (${name}) (.*)$`).exec(line) ?? []
    if (kind !== undefined && of !== undefined) {
      if (kind === "HELP" && (helped.has(of) || types.has(of) || /\\[^\\n]/.test(rest))) throw fail("a misplaced HELP")
      if (kind === "TYPE" && (types.has(of) || !/^(?:counter|gauge|histogram|summary|untyped)$/.test(rest))) {
        throw fail("a misplaced TYPE")
      }
      if (kind === "TYPE") types.set(of, rest)
      else helped.add(of)
      family = of
      continue
    }
    if (line.startsWith("#")) continue
    const [, found, pairs = "", value = ""] = sample.exec(line) ?? []
    if (found === undefined || !number.test(value)) throw fail("no sample")
    const type = types.get(family)
    const members =
      type === "histogram" ? ["_bucket", "_sum", "_count"] : type === "summary" ? ["", "_sum", "_count"] : [""]
    if (!members.some((suffix) => found === family + suffix)) throw fail(`a sample within the family ${family}`)
    const entries = Array.from(pairs.matchAll(labels), ([, key = "", raw = ""]) => [key, unescape(raw)] as const)
    if (new Set(entries.map(([key]) => key)).size < entries.length) throw fail("a label twice")
    const id = JSON.stringify([found, entries.toSorted()])
    if (series.has(id)) throw fail("a series twice")
    series.add(id)
    samples.push({ name: found, labels: Object.fromEntries(entries), value: Number(value.replace("Inf", "Infinity")) })
  }
  for (const [of, type] of types) if (type === "histogram") checkBuckets(of, samples)
  return samples
}

const unescape = (raw: string) => raw.replace(/\\(["\\n])/g, (_, character) => (character === "n" ? "\n" : character))

/** The buckets of a histogram grow, and the last one has the count. */
const checkBuckets = (family: string, samples: ReadonlyArray<Sample>) => {
  const last = new Map<string, number>()
  for (const {
    labels: { le, ...others },
    name,
    value
  } of samples) {
    const id = JSON.stringify(Object.entries(others).toSorted())
    if (name === `${family}_bucket`) {
      if (le === undefined || value < (last.get(id) ?? 0)) throw new Error(`${family}: the bucket ${le} shrinks`)
      last.set(id, value)
    }
    if (name === `${family}_count` && last.get(id) !== value) throw new Error(`${family}: the buckets miss the count`)
  }
}

/** The value of a series; undefined if the page has none with these labels. */
export const valueOf = (samples: ReadonlyArray<Sample>, name: string, labels: Sample["labels"]) =>
  samples.find((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    ?.value
