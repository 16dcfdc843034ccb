/**
 * The body of a request for a message or for a count of tokens: the types of its fields.
 */
import * as Schema from "effect/Schema"
import { decode, required, shouldBe, text } from "../wire/Refusal.ts"
import * as Compaction from "./Compaction.ts"
import * as Settings from "./Settings.ts"
import * as Tools from "./Tools.ts"

/** Fields that are not decoded here are still counted, cached and quoted. */
const rest = Schema.Record(Schema.String, Schema.Unknown)
const dictionary = rest.annotate(shouldBe("a valid dictionary"))
const optional = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Block = Schema.StructWithRest(
  Schema.Struct({ type: text.annotateKey(required), text: Schema.optionalKey(text) }),
  [rest]
).annotate(shouldBe("an object"))

const Content = Schema.Union([Schema.String, Schema.Array(Block)]).annotate(shouldBe("a valid string or list"))

const Message = Schema.Struct({
  role: Schema.Literals(["user", "assistant", "system"])
    .annotate(shouldBe("'user', 'assistant' or 'system'"))
    .annotateKey(required),
  content: Content.annotateKey(required)
}).annotate(shouldBe("an object"))

const Format = Schema.Struct({
  type: text
    .check(Schema.makeFilter((type) => type === "json_schema" || "Input should be 'json_schema'"))
    .annotateKey(required),
  schema: dictionary.annotateKey(required)
}).annotate(shouldBe("an object"))

const number = Schema.optionalKey(Schema.Finite.annotate(shouldBe("a valid number")))

const Count = Schema.Struct({
  model: text.annotateKey(required),
  messages: Schema.Array(Message).annotate(shouldBe("a valid list")).annotateKey(required),
  system: Schema.optionalKey(Content),
  tools: Schema.optionalKey(Schema.Array(rest.annotate(shouldBe("an object"))).annotate(shouldBe("a valid list"))),
  tool_choice: Schema.optionalKey(Tools.Choice),
  thinking: Schema.optionalKey(Settings.Thinking),
  speed: optional(Schema.Literals(["standard", "fast"]).annotate(shouldBe("'standard' or 'fast'"))),
  cache_control: Schema.optionalKey(Schema.Unknown),
  context_management: Schema.optionalKey(Compaction.Management),
  output_config: optional(
    Schema.StructWithRest(Schema.Struct({ format: optional(Format), effort: optional(Settings.Effort) }), [rest])
  ),
  // The older name of `output_config.format`, which the beta still takes.
  output_format: optional(Format)
}).annotate(shouldBe("an object"))

const Create = Schema.Struct({
  ...Count.fields,
  max_tokens: Settings.count.annotateKey(required),
  stream: Schema.optionalKey(Schema.Boolean.annotate(shouldBe("a valid boolean"))),
  stop_sequences: Schema.optionalKey(
    Schema.Array(
      text.check(
        Schema.makeFilter((sequence) => /\S/.test(sequence) || "each stop sequence must contain non-whitespace")
      )
    ).annotate(shouldBe("a valid list"))
  ),
  temperature: number,
  top_p: number,
  top_k: number,
  metadata: Schema.optionalKey(dictionary),
  service_tier: Schema.optionalKey(
    Schema.Literals(["auto", "standard_only"]).annotate(shouldBe("'auto' or 'standard_only'"))
  ),
  thread: Schema.optionalKey(Schema.Unknown)
}).annotate(shouldBe("an object"))

/** What both kinds of requests share. */
export type Body = typeof Count.Type

/** Decodes the body of a request to `/v1/messages`. */
export const decodeCreate = decode(Create)

/** Decodes the body of a request to `/v1/messages/count_tokens`. */
export const decodeCount = decode(Count)
