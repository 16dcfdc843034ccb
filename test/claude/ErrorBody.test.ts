import { assert, describe, it } from "@effect/vitest"
import * as ErrorBody from "../../src/claude/ErrorBody.ts"

describe("the detail of an error body", () => {
  it.each<readonly [string, unknown, string]>([
    ["the API", { type: "error", error: { type: "api_error", message: "it broke" } }, "it broke"],
    ["a plain text", "upstream connect error or\n disconnect", "upstream connect error or disconnect"],
    ["a text as the error", { error: "model is not allowed for this key" }, "model is not allowed for this key"],
    ["Bedrock", { message: "The security token is expired" }, "The security token is expired"],
    ["AWS", { __type: "AccessDenied", Message: "no access" }, "no access"],
    ["AWS in XML", "<Error><Code>Denied</Code><Message>no access</Message></Error>", "no access"],
    ["Vertex, in a list", [{ error: { code: 429, message: "Quota exceeded", status: "X" } }], "Quota exceeded"],
    ["FastAPI", { detail: "team budget exceeded" }, "team budget exceeded"],
    [
      "FastAPI's validation",
      { detail: [{ loc: ["body", "model"], msg: "field required", type: "missing" }] },
      "body.model: field required"
    ],
    ["a detail with an object", { detail: { error: { message: "no such team" } } }, "no such team"],
    ["Nest", { statusCode: 400, error: "Bad Request", message: "unknown model" }, "unknown model"],
    ["problem details", { type: "about:blank", title: "Forbidden", status: 403, detail: "no seat" }, "no seat"],
    ["OAuth", { error: "invalid_grant", error_description: "token expired" }, "token expired"],
    ["a list of errors", { errors: [{ message: "first" }, "second"], success: false }, "first; second"],
    ["Apigee", { fault: { faultstring: "Invalid ApiKey", detail: { errorcode: "x" } } }, "Invalid ApiKey"],
    ["OpenAI", { error: { message: "no such model", type: "invalid_request_error", code: null } }, "no such model"],
    ["an error in an error", { error: { error: { message: "deep down" } } }, "deep down"],
    ["JSON in a text", { error: { message: '{"message":"inner words"}' } }, "inner words"],
    ["an HTML page", "<html><head><title>502 Bad Gateway</title></head></html>", "502 Bad Gateway"],
    ["an HTML page without a title", "<html><body><h1>Service Unavailable</h1></body></html>", "Service Unavailable"],
    ["an HTML page as a message", { message: "<html><title>Denied</title></html>" }, "Denied"],
    ["a page with nothing but text", "<html><style>p {}</style><body><p>Too <b>many</b></p></body></html>", "Too many"],
    ["SOAP", "<soap:Envelope><soap:Fault><faultstring>no seat</faultstring></soap:Fault></soap:Envelope>", "no seat"],
    ["a code and its message", { error_code: 17, error_msg: "daily limit reached" }, "daily limit reached"],
    ["a code and its text", { errcode: 45009, errmsg: "quota is used up" }, "quota is used up"],
    ["errors by field", { errors: { model: ["is required", "is short"] } }, "model: is required, is short"],
    [
      "Django, by field",
      { model: ["is required"], max_tokens: ["is no integer"] },
      "model: is required; max_tokens: is no integer"
    ],
    ["Zod", { success: false, error: { issues: [{ path: ["model"], message: "Required" }] } }, "model: Required"],
    ["an error in data", { code: 1, data: { error: { message: "no seat" } } }, "no seat"],
    [
      "OpenRouter, with the provider's error",
      {
        error: { message: "Provider returned error", code: 429, metadata: { raw: '{"error":{"message":"slow down"}}' } }
      },
      "Provider returned error: slow down"
    ],
    ["a text with control characters", "\u001b[31mno seat", "[31mno seat"],
    ["the API, around JSON", { type: "error", error: { type: "x", message: '{"message":"no seat"}' } }, "no seat"],
    ["an error beside a phrase", { message: "Forbidden", error: { message: "no seat" } }, "no seat"],
    ["a text in brackets", "[proxy] no route", "[proxy] no route"],
    ["a text in braces", "{proxy} no route", "{proxy} no route"],
    ["a text in quotes", '"no {seat}"', '"no {seat}"'],
    ["texts around a script", "<p>Too<script>x</script>many", "Too many"],
    ["the first 5000 characters of a page", `<p>${"x".repeat(6000)}`, "x".repeat(4997)],
    ["SOAP, with a language", '<Fault><faultstring xml:lang="en">no seat</faultstring></Fault>', "no seat"],
    ["paragraphs of a page", "<p>Too</p><p>many</p>", "Too many"],
    [
      "a page with a script of several lines and a style, in capitals",
      '<SCRIPT src="x">\nif (1 < 2) {}\n</SCRIPT><Style>p {}</Style><p>Too many</p>',
      "Too many"
    ],
    [
      "a page with a heading that has a class",
      '<h1 class="big">Service\n Unavailable</h1><p>x</p>',
      "Service Unavailable"
    ],
    ["a title before a message", "<Message>second</Message><title>first</title>", "first"],
    ["the first three items of a list", { errors: ["a", { message: "b" }, ["c"], "d"] }, "a; b; c"],
    ["the first three fields of a validator", { a: ["1"], b: ["2", "3"], c: ["4"], d: ["5"] }, "a: 1; b: 2, 3; c: 4"],
    ["a path of several parts", { message: "Required", path: ["tools", 0, "name"] }, "tools.0.name: Required"],
    ["a message without a path", { message: "Required", path: [], loc: "body" }, "Required"],
    ["a list and a text", { message: ["too long"], title: "Bad Request" }, "too long"],
    ["an error that has no words beside one that has", { error: { code: 7 }, message: "no seat" }, "no seat"]
  ])("comes from %s", (_, body, detail) => {
    assert.strictEqual(ErrorBody.read(body).detail, detail)
  })

  it.each(
    "message Message error_description errorMessage error_message errorMsg error_msg errmsg detail details msg description faultstring fault errors issues error reason hint info".split(
      " "
    )
  )("comes from the field %s rather than from the title", (name) => {
    assert.strictEqual(ErrorBody.read({ title: "Forbidden", [name]: "no seat" }).detail, "no seat")
    assert.strictEqual(ErrorBody.read({ title: "Forbidden", [name]: " " }).detail, "Forbidden")
  })

  it.each(["data", "response", "result", "body"])(
    "comes from an object in the field %s, but not from a text",
    (name) => {
      assert.strictEqual(ErrorBody.read({ code: 1, [name]: { msg: "no seat" } }).detail, "no seat")
      assert.isUndefined(ErrorBody.read({ code: 1, [name]: "the answer" }).detail)
    }
  )

  it("comes from an object or a text that is nested up to five levels deep", () => {
    const nested = (levels: number): object => (levels === 0 ? { message: "no seat" } : { reason: nested(levels - 1) })
    assert.strictEqual(ErrorBody.read(nested(4)).detail, "no seat")
    assert.isUndefined(ErrorBody.read(nested(5)).detail)
  })

  it("keeps the lines of the API's own message", () => {
    const body = { type: "error", error: { type: "invalid_request_error", message: "two\n  lines" } }
    assert.strictEqual(ErrorBody.read(body).detail, "two\n  lines")
  })

  it.each([
    [undefined],
    [null],
    [""],
    [42],
    [{}],
    [[]],
    [{ error: {} }],
    [{ error: null }],
    ["<html></html>"],
    ['{"a":1}'],
    [{ model: ["is required", 7] }],
    [{ model: [] }]
  ])("is absent if the body is %j", (body) => {
    assert.isUndefined(ErrorBody.read(body).detail)
  })

  it("is absent if the body contains itself", () => {
    const body: { error?: unknown } = {}
    body.error = { message: body, error: body }
    assert.isUndefined(ErrorBody.read(body).detail)
    const list: Array<unknown> = []
    list.push(list)
    assert.isUndefined(ErrorBody.read(list).detail)
    const lists = { errors: list }
    assert.isUndefined(ErrorBody.read(lists).detail)
    const data = Object.assign({ code: 1 }, { data: {} })
    data.data = data
    assert.isUndefined(ErrorBody.read(data).detail)
  })

  it("ends if the error of a provider contains itself", () => {
    const body = { message: "x", metadata: { raw: {} } }
    body.metadata.raw = body
    assert.strictEqual(ErrorBody.read(body).detail, "x: x: x: x: x")
  })

  it("comes from JSON in texts only a few levels deep", () => {
    const nested = (levels: number): string =>
      levels === 0 ? "no seat" : JSON.stringify({ message: nested(levels - 1) })
    assert.strictEqual(ErrorBody.read(nested(2)).detail, "no seat")
    assert.isUndefined(ErrorBody.read(nested(3)).detail)
  })
})

describe("the facts of an error body", () => {
  it("are its type, its code, and the id of its request", () => {
    const error = { type: "rate_limit_error", message: "slow down", details: { error_code: "ramp_limit_exceeded" } }
    assert.deepStrictEqual(ErrorBody.read({ type: "error", error, request_id: "req_1" }), {
      detail: "slow down",
      isApi: true,
      type: "rate_limit_error",
      code: "ramp_limit_exceeded",
      status: undefined,
      requestId: "req_1"
    })
  })

  it("are absent where the body has another shape", () => {
    const none = { isApi: false, type: undefined, code: undefined, status: undefined, requestId: undefined }
    const bodies = [
      { type: "error", message: "no seat" },
      { message: "no seat", type: 7, details: { error_code: 7 }, request_id: 7 },
      { message: "no seat", details: "error_code" },
      "no seat"
    ]
    for (const body of bodies) assert.deepStrictEqual(ErrorBody.read(body), { ...none, detail: "no seat" })
  })

  it("have the shape of the API only if the error of the body holds a message in words", () => {
    const isApi = (body: unknown) => ErrorBody.read(body).isApi
    assert.isTrue(isApi({ type: "error", error: { message: "no seat" } }))
    assert.isFalse(isApi({ error: { message: "no seat" } }))
    assert.isFalse(isApi({ type: "error", error: { error: { message: "no seat" } } }))
    for (const message of ["<p>no seat</p>", '{"message":"no seat"}', "[no] seat", "", 7]) {
      assert.isFalse(isApi({ type: "error", error: { message } }))
    }
  })

  it("come from the innermost error", () => {
    const inner = { type: "rate_limit_error", message: "slow down" }
    for (const body of [
      [inner],
      { error: inner },
      { detail: inner },
      { message: inner },
      { detail: [{ error: inner }] },
      { error: { error: { error: inner } } }
    ]) {
      assert.strictEqual(ErrorBody.read(body).type, "rate_limit_error")
    }
    assert.strictEqual(ErrorBody.read({ type: "outer", error: { words: "no error" } }).type, "outer")
  })

  it.each(["error", "message", "type", "code"])("come from an inner object with the field %s", (name) => {
    assert.isUndefined(ErrorBody.read({ type: "outer", error: { [name]: 7 } }).type)
  })

  it.each([
    [{ status: 400 }, 400],
    [{ status: 599 }, 599],
    [{ status: 399 }, undefined],
    [{ status: 600 }, undefined],
    [{ status: 429.5 }, undefined],
    [{ status_code: 429, message: "no" }, 429],
    [{ statusCode: 429, message: "no" }, 429],
    [{ error: { code: 429 } }, 429],
    [{ error: { code: "503" } }, 503],
    [{ status: 401, message: "no" }, 401],
    [{ error: { status: "RESOURCE_EXHAUSTED", code: 429 } }, 429],
    [{ statusCode: 200, error: "x" }, undefined],
    [{ code: 7, error: "x" }, undefined]
  ])("are the HTTP status in %j", (body, status) => {
    assert.strictEqual(ErrorBody.read(body).status, status)
  })
})

describe("a body with status 200", () => {
  it.each([
    [{ type: "error", error: { message: "x" } }, true],
    [{ error: "x" }, true],
    [{ errors: ["x"] }, true],
    [{ success: false, message: "no quota" }, true],
    [{ code: 401, msg: "log in first", data: null }, true],
    [{ code: 200, data: "x" }, false],
    [{ type: "message", error: null }, false],
    [{ message: "hello" }, false],
    [{ type: "error", message: "x" }, true],
    [{ errors: {} }, false],
    [{ success: true }, false],
    [{ status_code: 503 }, true],
    [null, false],
    ["error", false]
  ])("%j reports an error: %s", (body, expected) => {
    assert.strictEqual(ErrorBody.isError(body), expected)
  })
})
