/**
 * Tools of MCP servers for `Claude.generateWithTools`. A connection lives as long as its scope. Failures of a tool go to
 * the model, which can try something else; results may have images. Effect's `McpClient` speaks the protocol.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as McpClient from "effect/ai/McpClient"
import * as McpSchema from "effect/ai/McpSchema"
import * as Tool from "effect/ai/Tool"
import * as Toolkit from "effect/ai/Toolkit"
import type * as ChildProcess from "effect/process/ChildProcess"
import type * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { McpUnavailable } from "./mcp/McpUnavailable.ts"
import * as Negotiation from "./mcp/Negotiation.ts"
import * as ServerProcess from "./mcp/ServerProcess.ts"
import * as ToolOutput from "./mcp/ToolOutput.ts"

export { McpUnavailable } from "./mcp/McpUnavailable.ts"

/** A tool of an MCP server. It has the JSON Schema of the server, and its failure is a text for the model. */
export type ServerTool = Tool.Tool<
  string,
  {
    readonly parameters: typeof Schema.Unknown
    readonly success: typeof McpSchema.CallToolResult
    readonly failure: typeof Schema.String
    readonly failureMode: "return"
  }
>

/** Tools with their handlers. */
export type ServerToolkit = Toolkit.WithHandler<Record<string, ServerTool>>

/** Options of a toolkit. */
export interface ToolkitOptions {
  /** Begins the name of each tool, such as `files_`. Use it where two servers have a tool of the same name. */
  readonly prefix?: string
  /**
   * The longest time of a call; 60 seconds by default. Then the call is cancelled, and the model
   * gets a failure.
   */
  readonly timeout?: Duration.Input
}

/** Options of a connection. */
export interface ConnectOptions {
  /**
   * The longest time in which a server answers the first request; 60 seconds by default. A server that answers nothing
   * fails up to 10 seconds later, because the newest revision of MCP is tried before an older one. `npx -y` may need more
   * time to download a server.
   */
  readonly timeout?: Duration.Input
}

/** Options of a connection over HTTP. */
export interface HttpOptions extends ConnectOptions {
  /** Sent with each request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Starts a server and speaks to it over its standard input and output:
 * `Mcp.stdio(ChildProcess.make("npx", ["-y", "@modelcontextprotocol/server-memory"]))`. When the scope closes, the server
 * has half a second to end, and another second after SIGTERM.
 */
export const stdio = (
  command: ChildProcess.Command,
  options?: ConnectOptions
): Effect.Effect<McpClient.McpClient, McpUnavailable, ChildProcessSpawner.ChildProcessSpawner | Scope.Scope> =>
  ServerProcess.connect(command, options?.timeout)

/** Connects to a server over streamable HTTP. Provide an `HttpClient`, such as `FetchHttpClient.layer` of `effect/http`. */
export const http = (
  url: string | URL,
  options?: HttpOptions
): Effect.Effect<McpClient.McpClient, McpUnavailable, HttpClient.HttpClient | Scope.Scope> =>
  Negotiation.connect(
    (protocol) => McpClient.http({ url, protocol, headers: options?.headers }),
    options?.timeout
  ).pipe(Effect.mapError((error) => McpUnavailable.from(withoutSecrets(String(url)), error)))

/** An address may have a password, and its query a key. */
const withoutSecrets = (url: string): string => url.replace(/[?#].*$/s, "").replace(/:\/\/[^/]*@/, "://")

/**
 * The tools that a server has now, all pages of its list. Fails if it does not list them. It leaves out tools that
 * run only as a task of MCP, and tools whose headers are not valid.
 */
export const toolkit = Effect.fn("Mcp.toolkit")(function* (
  client: McpClient.McpClient,
  options: ToolkitOptions = {}
): Effect.fn.Return<ServerToolkit, McpUnavailable> {
  const { prefix = "", timeout = "60 seconds" } = options
  const limit = Duration.fromInputUnsafe(timeout)
  const server = client.serverInfo?.name ?? "the MCP server"
  const listed = yield* Effect.mapError(client.listTools(), (error) => McpUnavailable.from(server, error))
  const named = listed.map((tool) => [`${prefix}${tool.name}`, tool] as const)
  const tools = Toolkit.make(...named.map(([name, tool]) => toolOf(name, tool)))
  const handlers = named.map(([name, tool]) => [name, handlerOf(client, tool, limit)] as const)
  return yield* Effect.provideContext(tools, yield* tools.toHandlers(Object.fromEntries(handlers)))
})

const toolOf = (name: string, { description, inputSchema, title }: McpSchema.Tool): ServerTool =>
  Tool.dynamic(name, {
    description: description ?? title,
    parameters: inputSchema,
    success: McpSchema.CallToolResult,
    failure: Schema.String,
    failureMode: "return",
    toModelOutput: ToolOutput.parts
    // A strict tool takes only a subset of JSON Schema, and a server may send any schema.
  }).annotate(Tool.Strict, false)

const handlerOf = (client: McpClient.McpClient, tool: McpSchema.Tool, timeout: Duration.Duration) =>
  Effect.fnUntraced(function* (params: unknown) {
    const given = Predicate.isObject(params) ? params : {}
    const called = client.callTool({ tool, arguments: given }, { timeout })
    const result = yield* Effect.mapError(called, (error) => ToolOutput.failure(error, timeout))
    return result.isError === true ? yield* Effect.fail(ToolOutput.errorText(result)) : result
  })

/** Joins two toolkits, such as your tools and a server's. Where both have a tool of the same name, `other` wins. */
export const merge = <A extends Record<string, Tool.Any>, B extends Record<string, Tool.Any>>(
  one: Toolkit.WithHandler<A>,
  other: Toolkit.WithHandler<B>
): Toolkit.WithHandler<Omit<A, keyof B> & B> => {
  const handle = (name: string, ...rest: ReadonlyArray<unknown>) =>
    Reflect.apply(Object.hasOwn(other.tools, name) ? other.handle : one.handle, undefined, [name, ...rest])
  // The name of a tool decides the types of its handler; here, names are only strings.
  return { tools: { ...one.tools, ...other.tools }, handle } as never
}
