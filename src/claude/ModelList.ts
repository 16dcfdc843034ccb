/**
 * The models that the API serves now: `Models.refresh` reads their limits, lifecycle and capabilities. Prices and the
 * minimum of the prompt cache are not in the API's list; they come from the table of this version.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { AnthropicClient, callOptions } from "./AnthropicClient.ts"
import { Timeouts } from "./Claude.ts"
import { ClaudeError, TimedOut, Unsupported } from "./ClaudeError.ts"
import * as Failure from "./Failure.ts"
import * as Json from "./Json.ts"
import * as Models from "./Models.ts"
import { Transport } from "./Transport.ts"

/** A model that the API may serve. */
export interface Listed extends Models.Model {
  /** `active`, `deprecated` or `retired`; unknown before a refresh. */
  readonly lifecycle?: string
  /** What it supports, by the API's names, such as `batch` or `thinking.types.adaptive`; unknown before a refresh. */
  readonly capabilities?: ReadonlySet<string>
}

/** The models that the program knows, by id. They come from the table, or from the API where `refresh` is provided. */
export const List: Context.Reference<ReadonlyMap<string, Listed>> = Context.Reference("effect-claude/Models/List", {
  defaultValue: (): ReadonlyMap<string, Listed> => new Map(Models.all.map((model) => [model.id, model]))
})

/** The model with exactly this id: after a refresh with the limits of the API, before it as `find` has it. */
export const lookup = (id: string): Effect.Effect<Listed | undefined> => Effect.map(List, (models) => models.get(id))

const Entry = Schema.Struct({
  id: Schema.String,
  lifecycle: Schema.optionalKey(Schema.String),
  retires_at: Schema.optionalKey(Schema.NullOr(Schema.String)),
  max_input_tokens: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
  max_tokens: Schema.optionalKey(Schema.NullOr(Schema.Finite)),
  capabilities: Schema.optionalKey(Schema.Unknown)
})
const decode = Schema.decodeUnknownEffect(Schema.Struct({ data: Schema.Array(Entry) }))

/** The API's largest page. It lists fewer models than this. */
const limit = 1000

const read = Effect.gen(function* () {
  const client = yield* AnthropicClient
  const { models } = client
  if (models === undefined) return yield* fail(new Unsupported({ detail: "this backend cannot list models" }))
  const transport = yield* Transport
  const { call } = yield* Timeouts
  const { response, text } = yield* Effect.tryPromise({
    try: (signal) =>
      models
        .list({ limit }, callOptions(client, transport, signal))
        .asResponse()
        .then((response) => response.text().then((text) => ({ response, text }))),
    catch: (error) => Failure.fromUnknown(error)
  }).pipe(
    Effect.timeoutOrElse({
      duration: call,
      orElse: () =>
        fail(new TimedOut({ detail: `no list of models within ${Duration.format(Duration.fromInputUnsafe(call))}` }))
    })
  )
  const unexpected = () => Failure.fromUnexpected("a list of models", text, response)
  return yield* Effect.mapError(decode(Json.parse(text)), unexpected)
})

const fail = (reason: TimedOut | Unsupported) => Effect.fail(new ClaudeError({ reason }))

/** Provides the models that the API lists, read once. Models of the table that it does not list keep their facts. */
export const refresh: Layer.Layer<never, ClaudeError, AnthropicClient> = Layer.effect(
  List,
  Effect.gen(function* () {
    const { data } = yield* read
    const ofTable = yield* List
    const models = new Map(ofTable)
    // The API lists one id of a model; other ids of the table may name the same model.
    for (const entry of data) {
      const ids = [...ofTable.keys()].filter((id) => Models.isSame(id, entry.id))
      for (const id of new Set([entry.id, ...ids])) {
        const model = merge({ ...entry, id }, ofTable.get(id))
        if (model !== undefined) models.set(id, model)
      }
    }
    return models
  })
)

/** A model that is not in the table has no price, and is left out if the API does not report its limits. */
const merge = (entry: typeof Entry.Type, known: Listed | undefined): Listed | undefined => {
  const maxInputTokens = entry.max_input_tokens ?? known?.maxInputTokens
  const maxOutputTokens = entry.max_tokens ?? known?.maxOutputTokens
  if (maxInputTokens === undefined || maxOutputTokens === undefined) return undefined
  const { id, lifecycle, retires_at: retires } = entry
  const { retires: _, ...facts } = { prices: [], ...known }
  const capabilities = new Set(supported(entry.capabilities))
  return {
    ...facts,
    id,
    maxInputTokens,
    maxOutputTokens,
    ...(lifecycle !== undefined && { lifecycle }),
    ...(Predicate.isString(retires) && { retires: retires.slice(0, "2026-11-30".length) }),
    ...(capabilities.size > 0 && { capabilities })
  }
}

/** The names of supported capabilities. In a group they begin with its name: `thinking.types`. */
const supported = (capabilities: unknown, group = ""): ReadonlyArray<string> =>
  Predicate.isObject(capabilities)
    ? Object.entries(capabilities).flatMap(([name, value]) => {
        const path = `${group}${name}`
        const inner = supported(value, `${path}.`)
        return Predicate.hasProperty(value, "supported") && value.supported === true ? [path, ...inner] : inner
      })
    : []
