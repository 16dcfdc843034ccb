/**
 * `GET /v1/models`: the models that the emulator answers for are those that `Models` knows.
 */
import * as Models from "../../../claude/Models.ts"
import * as Page from "./Page.ts"

/** A page of models, in the API's shape. */
export const page = (query: Page.Query) => Page.of(Models.all.map(info), query)

/** One model, in the API's shape. What `Models` does not know is null, or the epoch, as the API has it. */
export const info = (model: Models.Model) => ({
  type: "model",
  id: model.id,
  display_name: model.id
    .replace(/-\d{8}$/, "")
    .replace(/-(\d+)-(\d+)$/, " $1.$2")
    .replace(/(?:^|-)([a-z])/g, (_, letter: string) => ` ${letter.toUpperCase()}`)
    .replaceAll("-", " ")
    .trim(),
  created_at: "1970-01-01T00:00:00Z",
  line: /^claude-([a-z]+)/.exec(model.id)?.[1] ?? null,
  lifecycle: model.retires === undefined ? "active" : "deprecated",
  deprecated_at: null,
  retires_at: model.retires === undefined ? null : `${model.retires}T00:00:00Z`,
  max_input_tokens: model.maxInputTokens,
  max_tokens: model.maxOutputTokens,
  capabilities: null
})
