/**
 * Realistic schemas that extract tickets, invoices, contacts and other data from texts.
 */
// @effect-diagnostics schemaNumber:off - users write Schema.Number
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Codec } from "./Generate.ts"

const { Array: List, Boolean, Finite, Int, Literals, NullOr, Number, String, Struct, optional, optionalKey } = Schema

const score = Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })).annotate({ description: "1 is worst, 5 is best" })
const money = Finite.check(Schema.isGreaterThanOrEqualTo(0)).annotate({ description: "in euros" })
const email = String.annotate({ format: "email" })
const countryCode = String.check(Schema.isPattern(/^[A-Z]{2}-\d+$/)).annotate({ description: "country and number" })

class Address extends Schema.Class<Address>("Address")({
  street: Schema.NonEmptyString,
  city: String,
  postcode: String.check(Schema.isBetweenLength(4, 10))
}) {}

class Person extends Schema.TaggedClass<Person>()("Person", {
  name: String.annotate({ description: "full name, as written" }),
  born: optionalKey(Schema.DateFromString),
  address: optionalKey(Address)
}) {}

const line = Struct({ article: String, count: Int.check(Schema.isGreaterThan(0)), price: money })
const Circle = Struct({ kind: Schema.tag("circle"), radius: Finite })
const Square = Struct({ kind: Schema.tag("square"), side: Finite })

export const people: Readonly<Record<string, Codec>> = {
  sentiment: Struct({ sentiment: Literals(["good", "neutral", "bad"]) }),
  score: Struct({ score, because: String }),
  "number scores": Struct({ a: Number, b: Number.check(Schema.isBetween({ minimum: 0, maximum: 1 })) }),
  ticket: Struct({
    title: String.check(Schema.isMaxLength(80)),
    urgency: Literals(["low", "medium", "high"]),
    tags: List(String).check(Schema.isMaxLength(5)),
    due: optional(Schema.Date)
  }),
  "support triage": Struct({ team: NullOr(Literals(["billing", "technical"])), needsHuman: Boolean, score }),
  invoice: Struct({
    number: String,
    issued: Schema.DateFromString.annotate({ description: "date of issue" }),
    lines: Schema.NonEmptyArray(line),
    total: money,
    vat: optionalKey(Finite.check(Schema.isBetween({ minimum: 0, maximum: 100 })))
  }),
  contact: Struct({
    name: String,
    email,
    phone: optionalKey(String.annotate({ format: "phone" })),
    web: optional(Schema.URL)
  }),
  contacts: List(Struct({ name: String, email: NullOr(email) })),
  person: Person,
  "persons and addresses": Struct({ persons: List(Person), addresses: List(Address) }),
  "meeting with a date": Struct({ at: Schema.DateTimeUtc, length: Schema.Duration, where: NullOr(String) }),
  "nested lists": Struct({ table: List(List(Struct({ cell: String, row: Int }))) }),
  shapes: Struct({ shapes: List(Schema.Union([Circle, Square])) }),
  "a union at the root": Schema.Union([Circle, Square]),
  "a text at the root": String.annotate({ description: "one sentence" }),
  "a list of numbers": List(Int.check(Schema.isMultipleOf(10))),
  translations: Struct({ translations: Schema.Record(String, String).annotate({ description: "by language" }) }),
  "optional map and tuple": Struct({
    counts: optionalKey(Schema.Record(String, Int)),
    range: optional(Schema.Tuple([Finite, Finite]))
  }),
  coordinates: Struct({ at: Schema.Tuple([Finite, Finite]), path: List(Schema.Tuple([Int, Int])) }),
  option: Struct({ nickname: Schema.OptionFromNullOr(String), age: Schema.OptionFromOptionalKey(Int) }),
  "many optional fields": Struct(
    Object.fromEntries(Array.from({ length: 24 }, (_, index) => [`field${index}`, optionalKey(String)]))
  ),
  "many numbers": Struct(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`field${index}`, Number]))),
  "codes with a pattern": Struct({ code: countryCode, others: List(countryCode) }),
  brands: Struct({ id: String.pipe(Schema.brand("Id")), amount: Int.pipe(Schema.brand("Cents")) }),
  "renamed keys": Struct({ firstName: String.annotate({ description: "given name" }) }).pipe(
    Schema.encodeKeys({ firstName: "first_name" })
  ),
  "numbers in text": Struct({ amount: Schema.FiniteFromString, big: Schema.BigInt }),
  "a default": Struct({
    language: String.annotate({ default: "en", examples: ["de", "fr"] }).pipe(
      Schema.withDecodingDefaultKey(Effect.succeed("en"))
    )
  }),
  "priorities by number": Struct({ priority: Schema.Enum({ Low: 0, Normal: 1, High: 2 }) }),
  "literals with words": Struct({
    kind: Schema.Union([
      Schema.Literal("bug").annotate({ description: "something is broken" }),
      Schema.Literal("wish").annotate({ description: "something is missing" })
    ])
  }),
  "an answer with its sources": Struct({
    answer: String.check(Schema.isMinLength(20)),
    sources: List(Struct({ quote: String, page: Int.check(Schema.isGreaterThan(0)) })).annotate({ title: "Sources" }),
    confidence: Finite.check(Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMinimum: true }))
  })
}
