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
    ["a text in brackets", "[proxy] no route", "[proxy] no route"]
  ])("comes from %s", (_, body, detail) => {
    assert.strictEqual(ErrorBody.read(body).detail, detail)
  })

  it("keeps the lines of the API's own message", () => {
    const body = { type: "error", error: { type: "invalid_request_error", message: "two\n  lines" } }
    assert.strictEqual(ErrorBody.read(body).detail, "two\n  lines")
  })

  it.each([[undefined], [null], [""], [42], [{}], [[]], [{ error: {} }], [{ error: null }], ["<html></html>"]])(
    "is absent if the body is %j",
    (body) => {
      assert.isUndefined(ErrorBody.read(body).detail)
    }
  )

  it("is absent if the body contains itself", () => {
    const body: { error?: unknown } = {}
    body.error = { message: body, error: body }
    assert.isUndefined(ErrorBody.read(body).detail)
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

  it.each([
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
    ["error", false]
  ])("%j reports an error: %s", (body, expected) => {
    assert.strictEqual(ErrorBody.isError(body), expected)
  })
})
