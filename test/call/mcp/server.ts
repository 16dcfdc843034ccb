/**
 * An MCP server over standard input and output, with the newest revision and with 2025-11-25, or with the ones given as
 * arguments. Its tool `sleep` never answers.
 */
import { NodeRuntime, NodeStdio } from "@effect/platform-node"
import { Effect, Layer, Logger, Schema } from "effect"
import { McpProtocol, McpServer, Tool, Toolkit } from "effect/ai"

const tools = Toolkit.make(
  Tool.make("add", {
    description: "Adds two numbers",
    parameters: Schema.Struct({ a: Schema.Finite, b: Schema.Finite }),
    success: Schema.Struct({ sum: Schema.Finite })
  }),
  Tool.make("sleep", { success: Schema.String })
)

const handlers = tools.toLayer({ add: ({ a, b }) => Effect.succeed({ sum: a + b }), sleep: () => Effect.never })

const { v2024_11_05, v2025_03_26, v2025_06_18, v2025_11_25, v2026_07_28 } = McpProtocol
const all = [v2024_11_05, v2025_03_26, v2025_06_18, v2025_11_25, v2026_07_28]
const asked = all.filter(({ protocolVersion }) => process.argv.includes(protocolVersion))
const [first, ...others] = asked.length > 0 ? asked : [v2026_07_28, v2025_11_25]

if (process.argv.includes("noisy")) process.stdout.write('Calculator is listening\n{"level":30}\n')

McpServer.layerStdio({
  name: "calculator",
  version: "1.0.0",
  protocols: [first ?? v2026_07_28, ...others],
  registrations: McpServer.toolkit(tools).pipe(Layer.provide(handlers))
}).pipe(
  Layer.provide(NodeStdio.layer),
  Layer.provide(Layer.succeed(Logger.LogToStderr, true)),
  Layer.launch,
  NodeRuntime.runMain
)
