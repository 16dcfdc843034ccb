import { assert, describe, it } from "@effect/vitest"
import * as Content from "../../../src/policy/telemetry/Content.ts"
import { message, request } from "../../fixtures.ts"

describe("the content of a span", () => {
  it("names the parts of the request as the conventions do", () => {
    const { "gen_ai.input.messages": text } = Content.ofRequest(
      {
        ...request,
        messages: [
          { role: "user", content: "Weather in Paris?" },
          {
            role: "assistant",
            content: [{ type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Paris" } }]
          },
          {
            role: "user",
            content: [{ type: "tool_result", tool_use_id: "toolu_1", content: [{ type: "text", text: "rain" }] }]
          },
          {
            role: "user",
            content: [
              { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" } },
              { type: "text", text: "And here?" }
            ]
          }
        ]
      },
      same
    )
    assert.deepStrictEqual(JSON.parse(String(text)), [
      { role: "user", parts: [{ type: "text", content: "Weather in Paris?" }] },
      {
        role: "assistant",
        parts: [{ type: "tool_call", id: "toolu_1", name: "weather", arguments: { city: "Paris" } }]
      },
      { role: "tool", parts: [{ type: "tool_call_response", id: "toolu_1", response: ["rain"] }] },
      {
        role: "user",
        parts: [
          { type: "generic", generic_type: "image" },
          { type: "text", content: "And here?" }
        ]
      }
    ])
  })

  it("links to external content, and leaves out binary and encrypted content", () => {
    const { "gen_ai.input.messages": text } = Content.ofRequest(
      {
        ...request,
        messages: [
          {
            role: "user",
            content: [
              { type: "image", source: { type: "url", url: "https://example.com/a.png" } },
              { type: "document", source: { type: "file", file_id: "file_1" } },
              { type: "document", source: { type: "text", media_type: "text/plain", data: "Once." } }
            ]
          },
          {
            role: "assistant",
            content: [
              {
                type: "web_search_tool_result",
                tool_use_id: "srvtoolu_1",
                content: [
                  {
                    type: "web_search_result",
                    title: "Rain",
                    url: "https://example.com",
                    encrypted_content: "RW5jcg=="
                  }
                ]
              },
              { type: "mcp_tool_use", id: "mcptoolu_1", name: "map", server_name: "maps", input: { city: "Paris" } },
              { type: "compaction", content: "It rained.", encrypted_content: "RW5jcg==" }
            ]
          }
        ]
      },
      same
    )
    assert.deepStrictEqual(JSON.parse(String(text)), [
      {
        role: "user",
        parts: [
          { type: "uri", modality: "image", uri: "https://example.com/a.png" },
          { type: "file", modality: "document", file_id: "file_1" },
          { type: "generic", generic_type: "document" }
        ]
      },
      {
        role: "assistant",
        parts: [
          {
            type: "server_tool_call_response",
            id: "srvtoolu_1",
            server_tool_call_response: { type: "web_search_tool_result" }
          },
          {
            type: "server_tool_call",
            id: "mcptoolu_1",
            name: "map",
            server_tool_call: { type: "map", input: { city: "Paris" } }
          },
          { type: "compaction", content: "It rained." }
        ]
      }
    ])
  })

  it("names the parts of the answer as the conventions do, including thinking and server searches", () => {
    const answer = message({
      content: [
        { type: "thinking", thinking: "Hm.", signature: "s" },
        {
          type: "server_tool_use",
          id: "srvtoolu_1",
          name: "web_search",
          input: { query: "rain" },
          caller: { type: "direct" }
        },
        "It rains."
      ]
    })
    const { "gen_ai.output.messages": text } = Content.ofMessage(answer, same)
    assert.deepStrictEqual(JSON.parse(String(text)), [
      {
        role: "assistant",
        parts: [
          { type: "reasoning", content: "Hm." },
          {
            type: "server_tool_call",
            id: "srvtoolu_1",
            name: "web_search",
            server_tool_call: { type: "web_search", input: { query: "rain" } }
          },
          { type: "text", content: "It rains." }
        ]
      }
    ])
  })
})

// Builders

const same = (text: string) => text
