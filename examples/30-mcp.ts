// How do I give Claude the tools of an MCP server? Any server will do: `npx -y @modelcontextprotocol/server-memory`.
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { ChildProcess } from "effect/process"
import { Claude, Mcp } from "effect-claude"

// The server ends with the scope. A server elsewhere: `Mcp.http("https://example.com/mcp", { headers })`, with
// `FetchHttpClient.layer` of effect/http in place of `NodeServices.layer`. The emulator calls the real tools too.
const program = Effect.gen(function* () {
  const canteen = yield* Mcp.stdio(ChildProcess.make(process.execPath, ["examples/30-mcp/canteen.ts"]))
  const { text } = yield* Claude.generateWithTools(
    Mcp.toolkit(canteen, { timeout: "10 seconds" }),
    "What is the dish of the day on Friday? Say it in one sentence."
  )
  yield* Console.log(text)
}).pipe(Effect.scoped)

const live = Claude.layerConfig().pipe(Claude.stack())

program.pipe(Effect.provide([live, NodeServices.layer]), NodeRuntime.runMain)
