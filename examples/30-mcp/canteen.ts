// An MCP server with one tool, over standard input and output.
import { NodeRuntime, NodeStdio } from "@effect/platform-node"
import { Effect, Layer, Logger, Schema } from "effect"
import { McpProtocol, McpServer, Tool, Toolkit } from "effect/ai"

const Canteen = Toolkit.make(
  Tool.make("dish_of_the_day", {
    description: "What the canteen serves on a day",
    parameters: Schema.Struct({ day: Schema.String }),
    success: Schema.String
  })
)

const handlers = Canteen.toLayer({
  dish_of_the_day: () => Effect.succeed("The canteen serves lentil soup with bread.")
})

McpServer.layerStdio({
  name: "canteen",
  version: "1.0.0",
  protocols: [McpProtocol.v2026_07_28, McpProtocol.v2025_11_25],
  registrations: McpServer.toolkit(Canteen).pipe(Layer.provide(handlers))
}).pipe(Layer.provide([NodeStdio.layer, Layer.succeed(Logger.LogToStderr, true)]), Layer.launch, NodeRuntime.runMain)
