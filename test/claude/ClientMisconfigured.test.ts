import { assert, describe, it } from "@effect/vitest"
import * as ClientMisconfigured from "../../src/claude/ClientMisconfigured.ts"

const names = { apiKey: "ANTHROPIC_API_KEY", baseURL: "ANTHROPIC_BASE_URL" }
const anthropic = "https://api.anthropic.com"
const gateway = "http://127.0.0.1:4000"

const messageFor = (key: string, address: string) => ClientMisconfigured.find(key, address, names)?.message

describe("a key that cannot work", () => {
  it.each([
    ["", "ANTHROPIC_API_KEY is empty; set it to your API key"],
    ["  \n", "ANTHROPIC_API_KEY is empty; set it to your API key"],
    ["gateway-9f2c\r\nSECRET", "ANTHROPIC_API_KEY contains a line break"],
    ["gateway-9f2c-\u0001SECRET", "ANTHROPIC_API_KEY contains a character that no key has (U+0001)"],
    ["\u201cgateway-9f2c-SECRET\u201d", "ANTHROPIC_API_KEY contains a character that no key has (U+201C)"],
    ["sk-ant-SECRET🔑", "ANTHROPIC_API_KEY contains a character that no key has (U+1F511)"],
    ['"sk-ant-SECRET"', "ANTHROPIC_API_KEY is in quotes; remove the quotes"],
    ["'SECRET'", "ANTHROPIC_API_KEY is in quotes"],
    ["Bearer sk-ant-SECRET", 'ANTHROPIC_API_KEY begins with "Bearer"; leave that word out'],
    ["x-api-key: SECRET", "ANTHROPIC_API_KEY begins with the name of a header"],
    ["ANTHROPIC_API_KEY=SECRET", "ANTHROPIC_API_KEY begins with the name of a header or a variable"],
    ["sk-ant-SECRET # mine", "ANTHROPIC_API_KEY contains a space"],
    ["$ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY is a placeholder"],
    ["${ANTHROPIC_API_KEY}", "ANTHROPIC_API_KEY is a placeholder"],
    ["<your key>", "ANTHROPIC_API_KEY is a placeholder"],
    ["undefined", "ANTHROPIC_API_KEY is a placeholder"]
  ])("is refused at every address, without the key in the message: %j", (key, words) => {
    for (const address of [anthropic, gateway]) {
      const message = messageFor(key, address)
      assert.include(message, words)
      assert.notInclude(message, "SECRET")
    }
  })

  it.each(["sk-ant-...", "sk-ant-xxxxxxxx", "your-api-key", "YOUR_ANTHROPIC_API_KEY", "change-me", "your-key-here"])(
    "is refused at Anthropic's address: %s",
    (key) => {
      assert.include(messageFor(key, anthropic), "is a placeholder")
      assert.isUndefined(messageFor(key, gateway))
    }
  )

  it.each([
    "sk-ant-api03-abc_DEF-1",
    "  sk-ant-api03-abc\n",
    "\ufeffgateway-9f2c",
    "k",
    "any",
    "a b",
    "it's",
    "key{1}"
  ])("is not reported: %j", (key) => {
    assert.isUndefined(messageFor(key, gateway))
  })
})

describe("an address that cannot work", () => {
  it.each([
    ["", "ANTHROPIC_BASE_URL is empty"],
    ["127.0.0.1:4000", "ANTHROPIC_BASE_URL has no http:// or https:// at its beginning; write it as https://host"],
    ["localhost:4000", "has no http:// or https://"],
    ["api.anthropic.com", "has no http:// or https://"],
    ["ftp://host", "begins with ftp://; write it as https://host"],
    ["https://my host", "contains a space"],
    ["https://", "is no address"],
    ["http://host:99999", "is no address"],
    ["https://host?key=1", 'contains "?" or "#"'],
    ["https://user:SECRET@host", "contains a user or a password"],
    ["http://host/v1/messages", "ends with a path that the client adds itself; end it before /v1"],
    ["https://api.anthropic.com/v1", "end it before /v1"],
    ["https://api.anthropic.com/v1/", "end it before /v1"],
    ["http://api.anthropic.com", "has http:// although api.anthropic.com expects https://"],
    ["http://gateway.test:443", "expects https://; write https://"],
    ["https://gateway.test:80", "has https:// with port 80"]
  ])("is refused: %j", (address, words) => {
    const message = messageFor("key", address)
    assert.include(message, words)
    assert.notInclude(message, "SECRET")
  })

  it.each([
    anthropic,
    `${gateway}/`,
    " http://localhost:4000\n",
    "https://gateway.test/v1/account/anthropic",
    "http://[::1]:80"
  ])("is not reported: %j", (address) => {
    assert.isUndefined(messageFor("key", address))
  })
})
