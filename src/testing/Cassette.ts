/**
 * Records the HTTP exchanges between a program and Claude in a file, and replays them from it. A replay needs no key
 * and no network, and still runs the SDK and all decoding. Use one file per test; to record again, delete the file.
 *
 * A recording that contains a secret is not written: the layer dies with an error when it is released.
 */
import { Anthropic } from "@anthropic-ai/sdk"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { AnthropicClient } from "../claude/AnthropicClient.ts"
import * as Api from "../claude/Api.ts"
import type { Claude } from "../claude/Claude.ts"
import { Redactor } from "../claude/Redact.ts"
import { type Fetch, Transport } from "../claude/Transport.ts"
import * as Player from "./cassette/Player.ts"
import * as Recorder from "./cassette/Recorder.ts"
import * as Recording from "./cassette/Recording.ts"
import * as Secrets from "./cassette/Secrets.ts"
import * as EmulatorFetch from "./emulator/wire/Fetch.ts"

/** Which file, and what to do with it. */
export interface Options {
  /** The path of the file, such as `test/cassettes/summary.json`. */
  readonly path: string
  /**
   * `replay` never uses the network; a request without a recording fails with `CassetteMiss`. `record` uses the network
   * and writes the file, which must not exist yet. `live` uses the network and writes nothing. `auto`, the default,
   * replays if the file exists or `CI` is set, and records otherwise.
   */
  readonly mode?: "auto" | "replay" | "record" | "live" | undefined
  /**
   * Whether answers arrive `at-once` (the default) or with their recorded delays. The program's `Clock` measures the
   * delays in both cases. Record from a real network with the real clock (`it.live`): under `TestClock` every delay is
   * 0.
   */
  readonly pace?: "at-once" | "recorded" | undefined
}

/** The file cannot be read or written, or a recording must not be saved. */
export class CassetteFailed extends Schema.TaggedError<CassetteFailed>()("CassetteFailed", {
  path: Schema.String,
  /** What went wrong and what to do. */
  detail: Schema.String
}) {
  override get message() {
    return `${this.path}: ${this.detail}`
  }
}

/**
 * A cassette as the `Transport` of this program. Use it as the `fetch` of your own SDK client. A recording sends calls
 * through the `Transport` below it, and writes the file when the layer is released. An interrupted program writes
 * nothing.
 */
export const transport = (
  options: Options
): Layer.Layer<never, CassetteFailed | Config.ConfigError, FileSystem.FileSystem> =>
  Layer.effect(
    Transport,
    Effect.map(open(options), ({ fetch }) => fetch)
  )

/** Claude from a cassette. Recording needs `ANTHROPIC_API_KEY`, as `Claude.layerConfig` does; replaying does not. */
export const layer = (
  options: Options
): Layer.Layer<Claude | AnthropicClient, CassetteFailed | Config.ConfigError, FileSystem.FileSystem> =>
  Layer.provideMerge(
    Api.layer,
    Layer.effect(
      AnthropicClient,
      Effect.flatMap(open(options), (opened) => clientOver(options.path, opened))
    )
  )

/** The client holds the fetch of the cassette, so that a `Transport` provided elsewhere cannot bypass the file. */
const clientOver = Effect.fnUntraced(function* (
  path: string,
  { fetch, replays }: { readonly fetch: Fetch; readonly replays: boolean }
) {
  const apiKey = replays ? "replayed" : Redacted.value(yield* Effect.mapError(key, () => keyless(path)))
  const baseURL = yield* Config.withDefault(Config.String("ANTHROPIC_BASE_URL"), "https://api.anthropic.com")
  return new Anthropic({ apiKey, baseURL, fetch, logLevel: "warn", maxRetries: 0, openTelemetry: false })
})

const key = Config.Redacted("ANTHROPIC_API_KEY")

const keyless = (path: string) =>
  new CassetteFailed({
    path,
    detail:
      "recording calls the API; set ANTHROPIC_API_KEY, or record from the emulator: effect-claude emulate -- <command>"
  })

const open = Effect.fnUntraced(function* ({ mode = "auto", pace = "at-once", path }: Options) {
  const live = yield* Transport
  if (mode === "live") return { fetch: live, replays: false }

  const fs = yield* FileSystem.FileSystem
  const exists = yield* failing(path, fs.exists(path))
  if (mode === "record" && exists)
    return yield* failed(path, "the recording exists already; delete the file to record again")

  const known = yield* Effect.mapError(Secrets.ofEnvironment, (cause) => new Config.ConfigError(cause))
  const search = { known, redact: yield* Redactor }
  if (mode === "record" || (mode === "auto" && !exists && !(yield* isCI))) {
    return { fetch: yield* record(path, live, search), replays: false }
  }
  const exchanges = exists ? yield* read(path) : []
  const missing = exists ? undefined : mode === "replay" ? missingIn.replay : missingIn.ci
  const handle = Player.make({ exchanges, missing, path, pace, hide: Secrets.hide(search) })
  return { fetch: yield* EmulatorFetch.make({ handle }), replays: true }
})

/** Why a file that does not exist is not recorded, and what to do. */
const missingIn = {
  ci: "the file does not exist, and CI is set, so nothing is recorded; record it without CI, and commit it",
  replay:
    'the file does not exist, and the mode "replay" records nothing; record it with the mode "record", and commit it'
}

const isCI = Effect.map(
  Config.option(Config.String("CI")),
  Option.exists((value) => value !== "false" && value !== "0")
)

const read = Effect.fnUntraced(function* (path: string) {
  const fs = yield* FileSystem.FileSystem
  const text = yield* failing(path, fs.readFileString(path))
  return yield* Effect.matchEffect(Recording.decode(text), {
    onSuccess: ({ exchanges }) => Effect.succeed(exchanges),
    onFailure: ({ message }) =>
      failed(path, `this is not a cassette; correct the file, or delete it to record again (${message})`)
  })
})

const record = Effect.fnUntraced(function* (path: string, live: Fetch, search: Secrets.Search) {
  const clock = yield* Clock.Clock
  const recorder = Recorder.make(live, () => clock.currentTimeMillisUnsafe())
  const fs = yield* FileSystem.FileSystem
  // The folder is created first, so that a path that cannot be written fails before a call is billed.
  yield* failing(path, fs.makeDirectory(folderOf(path), { recursive: true }))
  yield* Effect.addFinalizer((exit) =>
    Exit.hasInterrupts(exit) ? Effect.void : Effect.orDie(write(path, recorder, search))
  )
  return recorder.fetch
})

/** Writes the whole file or nothing: a draft is renamed. */
const write = Effect.fnUntraced(function* (path: string, recorder: Recorder.Recorder, search: Secrets.Search) {
  const exchanges = recorder.exchanges()
  if (exchanges.length === 0) return
  const secrets = Secrets.find(exchanges, { ...search, known: [...search.known, ...recorder.credentials()] })
  if (secrets.length > 0) {
    const places = secrets.map((secret) => `\n  ${secret}`).join("")
    return yield* failed(
      path,
      `the recording contains secrets, so it was not written; remove them from the requests:${places}`
    )
  }
  const fs = yield* FileSystem.FileSystem
  const text = yield* Effect.orDie(Recording.encode(exchanges))
  if (yield* failing(path, fs.exists(path))) {
    return yield* failed(path, "another recorder has written this file in the meantime; use one cassette per test")
  }
  const draft = yield* failing(path, fs.makeTempFileScoped({ directory: folderOf(path) }))
  yield* failing(path, Effect.andThen(fs.writeFileString(draft, text), fs.rename(draft, path)))
}, Effect.scoped)

const folderOf = (path: string): string => /^(.*)[/\\]/s.exec(path)?.[1] ?? "."

const failed = (path: string, detail: string) => Effect.fail(new CassetteFailed({ path, detail }))

const failing = <A, R>(path: string, effect: Effect.Effect<A, { readonly message: string }, R>) =>
  Effect.mapError(effect, ({ message }) => new CassetteFailed({ path, detail: message }))
