/**
 * Our subjects, from this checkout or from another one ("before"). They load the sources and the Effect of that
 * checkout.
 */
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type { Layer } from "effect"
import type { Claude } from "../src/index.ts"
import type { Subject } from "./subjects.ts"

type Stack = (concurrency: number) => (wire: Layer.Layer<Claude.Claude>) => Layer.Layer<Claude.Claude>

const model = "claude-sonnet-5"
const prompt = "Why is the sky blue? ".repeat(20)
const params = { model, max_tokens: 100, messages: [{ role: "user" as const, content: prompt }] }

const sum = (numbers: ReadonlyArray<number>) => numbers.reduce((a, b) => a + b, 0)

/** The subjects of the checkout at `root`, by name. */
export const load = async (root: string): Promise<Record<string, (baseURL: string) => Subject>> => {
  const from = (file: string) => import(pathToFileURL(resolve(root, file)).href)
  const effect: typeof import("effect") = await from("node_modules/effect/dist/index.js")
  const library: typeof import("../src/index.ts") = await from("src/index.ts")
  const node: typeof import("../src/run/index.ts") = await from("src/run/index.ts")
  const { Effect, Layer, ManagedRuntime, Redacted, Stream } = effect
  const { AnthropicClient, Batch, Claude, Concurrency, ResponseCache, Retry } = library

  /** Retries and a concurrency limit, as the other tools have. */
  const bare: Stack = (concurrency) => (wire) => wire.pipe(Concurrency.policy(concurrency), Retry.policy())

  /** The recommended stack with traces, metrics and logs, without an exporter. */
  const stacked: Stack = (concurrency) => Claude.stack({ concurrency })

  /** All policies, with a cache that misses every call and stores every answer. */
  const everything: Stack = (concurrency) =>
    Claude.stack({ concurrency, promptCache: { ttl: "5m" }, cache: { store: ResponseCache.layerMemory() } })

  const ours =
    (stack: Stack) =>
    (baseURL: string): Subject => {
      const wire = Claude.layer.pipe(Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL })))
      const make = (concurrency: number) =>
        ManagedRuntime.make(stack(concurrency)(wire).pipe(Layer.provideMerge(node.NodeTransport.layer()), Layer.orDie))
      const runtimes = new Map<number, ReturnType<typeof make>>()
      const runtimeOf = (concurrency: number) => {
        const runtime = runtimes.get(concurrency) ?? make(concurrency)
        runtimes.set(concurrency, runtime)
        return runtime
      }
      let asked = 0
      // Every prompt is different, and all have the same length.
      const numbers = (count: number) => Array.from({ length: count }, () => `${(asked += 1)}`.padStart(12))
      const different = (number: string) => ({ ...params, system: number })
      return {
        calls: (count, inFlight) =>
          runtimeOf(inFlight).runPromise(
            Batch.map(numbers(count), (number) => Claude.create(different(number)), {
              mode: "failFast",
              concurrency: inFlight
            })
          ),
        streams: (count, inFlight) => {
          const read = (number: string) =>
            Stream.runFold(
              Claude.stream(different(number)),
              () => 0,
              (deltas, event) => (event.type === "content_block_delta" ? deltas + 1 : deltas)
            )
          return runtimeOf(inFlight)
            .runPromise(Batch.map(numbers(count), read, { mode: "failFast", concurrency: inFlight }))
            .then(sum)
        }
      }
    }
  return { "effect-claude": ours(bare), "our stack": ours(stacked), "all our policies": ours(everything) }
}
