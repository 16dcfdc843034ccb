/**
 * Turns the result of an MCP tool into content for the model: texts, images and files, or the text of a failure. Pure.
 */
import * as Duration from "effect/Duration"
import type { McpClientError } from "effect/ai/McpClientError"
import type * as McpSchema from "effect/ai/McpSchema"
import * as Prompt from "effect/ai/Prompt"
import * as Result from "effect/Result"
import * as Media from "../../claude/Media.ts"

/** The parts of a result. Structured content is sent only where there is no other: servers repeat it as text. */
export const parts = ({
  content,
  structuredContent
}: McpSchema.CallToolResult): ReadonlyArray<Prompt.ToolModelOutputPart> => {
  const parts = content.flatMap(partOf)
  if (parts.length > 0) return parts
  return [text(structuredContent === undefined ? "The tool returned nothing." : jsonOf(structuredContent))]
}

/** The stack of `JSON.stringify` may overflow. */
const jsonOf = (value: unknown): string =>
  Result.getOrElse(
    Result.try(() => JSON.stringify(value)),
    () => "[The result is omitted: it is nested too deep.]"
  )

/** The text of a result that the server marks as an error. */
export const errorText = (result: McpSchema.CallToolResult): string => Prompt.toolModelOutputToText(parts(result))

/** The text of a failed call. */
export const failure = (error: McpClientError, timeout: Duration.Duration): string => {
  if (error.reason._tag !== "TimeoutError") return `The MCP server failed: ${error.message}`
  return `The MCP server did not answer within ${Duration.format(timeout)}, and the call was cancelled.`
}

const text = (text: string) => Prompt.textPart({ text })

const partOf = (block: McpSchema.ContentBlock): ReadonlyArray<Prompt.ToolModelOutputPart> => {
  switch (block.type) {
    case "text":
      return textsOf(block.text)
    case "image":
    case "audio":
      return [file(block.data, block.mimeType)]
    case "resource_link":
      return [text([`${block.title ?? block.name}: ${block.uri}`, block.description ?? []].flat().join("\n"))]
    case "resource": {
      const { resource } = block
      if ("text" in resource) return textsOf(resource.text)
      return [file(resource.blob, resource.mimeType ?? "application/octet-stream", resource.uri)]
    }
  }
}

/** The API refuses a text without any character but white space. */
const textsOf = (value: string) => (/\S/.test(value) ? [text(value)] : [])

/**
 * The API takes four types of images, and PDFs, and checks their bytes. It refuses the whole request for one that is
 * damaged or too large, so the model gets a line about that instead.
 */
const file = (data: Uint8Array, mimeType: string, fileName?: string) => {
  const name = fileName === undefined ? "" : ` ${fileName}`
  const omitted = (detail = "") => text(`[${mimeType}${name} omitted${detail}]`)
  const found = Media.typeOf(data)
  const mediaType = found ?? mimeType.toLowerCase()
  const part = Prompt.filePart({ mediaType, data, ...(fileName !== undefined && { fileName }) })
  if (found === undefined) return mediaType.startsWith("text/") && data.length > 0 ? part : omitted()
  const checked: Result.Result<unknown, Media.Problem> =
    found === "application/pdf" ? Media.pdf(data) : Media.image(data)
  return Result.match(checked, {
    onSuccess: () => part,
    onFailure: ({ detail }) => omitted(`: ${detail.replace(/;.*$/s, "")}`)
  })
}
