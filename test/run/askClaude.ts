/** One call through the service `Claude`, for `ask.ts`. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as AnthropicClient from "../../src/claude/AnthropicClient.ts"
import * as Api from "../../src/claude/Api.ts"
import { Claude } from "../../src/claude/Claude.ts"
import * as Reply from "../../src/claude/Reply.ts"
import { request } from "../fixtures.ts"

/** The text of the answer of the server at this address. */
export const askClaude = (url: string) =>
  Claude.use((claude) => claude.create(request)).pipe(
    Effect.map(({ message }) => Reply.text(message)),
    Effect.provide(
      Layer.provide(Api.layer, AnthropicClient.layer({ apiKey: Redacted.make("sk-ant-test"), baseURL: url }))
    )
  )
