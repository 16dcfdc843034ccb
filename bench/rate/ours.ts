/**
 * Our default stack, from this checkout or from another one ("before"), with its sources and its Effect.
 */
import type * as effect from "effect"
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import type * as library from "../../src/index.ts"
import { maxTokens, model, type Row } from "./rows.ts"
import type { Done, Subject } from "./worker.ts"

/** What our subject of the checkout at `root` does. */
export const load = async (root: string) => {
  const from = (file: string) => import(pathToFileURL(resolve(root, file)).href)
  const { Effect, Layer, Logger, Redacted }: typeof effect = await from("node_modules/effect/dist/index.js")
  const { AnthropicClient, Batch, Claude, RateLimit }: typeof library = await from("src/index.ts")
  const { NodeTransport }: typeof import("../../src/run/index.ts") = await from("src/run/index.ts")

  type Limits = Parameters<typeof RateLimit.policy>[0]

  /** Works through the rows, without logs. */
  const work = (url: string, rows: ReadonlyArray<Row>, done: Done, rateLimit?: Limits) =>
    Batch.map(rows, ({ prompt }) =>
      Claude.generateText({ model, max_tokens: maxTokens, messages: [{ role: "user", content: prompt }] }).pipe(
        Effect.onExit(({ _tag }) => Effect.sync(() => done(_tag === "Success")))
      )
    ).pipe(
      Effect.provide([
        Claude.layer.pipe(
          Layer.provide(AnthropicClient.layer({ apiKey: Redacted.make("key"), baseURL: url })),
          Claude.stack({ rateLimit })
        ),
        Logger.layer([])
      ])
    )

  const sharing = async (redis: string | undefined): Promise<Limits> => {
    if (redis === undefined) return undefined
    const file = "node_modules/@effect/platform-node/dist/NodeRedis.js"
    const { layer }: typeof import("@effect/platform-node/NodeRedis") = await from(file)
    return { shared: RateLimit.redis(layer({ url: redis })) }
  }

  const subject: Subject = async ({ redis, url }, rows, done) =>
    work(url, rows, done, await sharing(redis)).pipe(Effect.provide(NodeTransport.layer()), Effect.runPromise)

  return { from, subject, work }
}
