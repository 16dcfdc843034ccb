/**
 * An MCP server as a child process that ends with its scope. All attempts to agree on a revision use one process, and a busy server does
 * not hold up the end of the scope: Effect's transport alone waits up to 5 seconds for it, and then again.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as McpClient from "effect/ai/McpClient"
import * as McpProtocol from "effect/ai/McpProtocol"
import * as PlatformError from "effect/PlatformError"
import * as Predicate from "effect/Predicate"
import type * as ChildProcess from "effect/process/ChildProcess"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Stream from "effect/Stream"
import * as Redact from "../../claude/Redact.ts"
import * as LastWords from "./LastWords.ts"
import * as Messages from "./Messages.ts"
import { McpUnavailable } from "./McpUnavailable.ts"
import * as Negotiation from "./Negotiation.ts"

const { ChildProcessSpawner: Spawner } = ChildProcessSpawner

/** Starts a server and connects to it. */
export const connect = Effect.fnUntraced(function* (command: ChildProcess.Command, timeout?: Duration.Input) {
  const process = watched(yield* Spawner)
  return yield* open(command).pipe(
    Effect.provideService(Spawner, process.spawner),
    Effect.tap(() => Effect.addFinalizer(() => Effect.sync(process.close))),
    Effect.flatMap((transport) =>
      Negotiation.connect((protocol, attempt) => Effect.succeed({ ...numbered(transport, attempt), protocol }), timeout)
    ),
    Effect.mapError((error) => McpUnavailable.from(nameOf(command), error, LastWords.of(Redact.redact(process.tail()))))
  )
})

const open = (command: ChildProcess.Command) => McpClient.stdio({ command, protocol: McpProtocol.v2026_07_28 })

/** Each attempt counts its requests from 1: a late answer to one of another attempt must not be taken for its own. */
const numbered = (transport: McpClient.Transport, attempt: number): McpClient.Transport => ({
  ...transport,
  request: (message, tool) => {
    const id = Predicate.isNumber(message.id) ? message.id + attempt * 1_000_000_000 : message.id
    return transport.request({ ...message, id }, tool)
  }
})

/** How long a server may take to end once its standard input has ended, and after SIGTERM. */
const gracePeriods = { end: "500 millis", terminate: "1 second" } as const

/** A spawner whose process ends soon once `close` has run; `tail` is the end of what it wrote, without messages. */
const watched = (spawner: ChildProcessSpawner.ChildProcessSpawner["Service"]) => {
  let isClosing = false
  let tail = ""
  const recorder = () => {
    const decoder = new TextDecoder()
    return (bytes: Uint8Array) => {
      tail = (tail + decoder.decode(bytes, { stream: true })).slice(-maxTail)
    }
  }
  const spawn = (command: ChildProcess.Command) =>
    Effect.map(spawner.spawn(command), (handle) => {
      const exitCode = Effect.suspend(() =>
        isClosing
          ? Effect.timeoutOrElse(handle.exitCode, { duration: gracePeriods.end, orElse: () => Effect.fail(late) })
          : handle.exitCode
      )
      const record = recorder()
      return ChildProcessSpawner.makeHandle({
        ...handle,
        exitCode,
        kill: (options) => handle.kill({ ...options, forceKillAfter: gracePeriods.terminate }),
        stdout: Stream.map(handle.stdout, Messages.only(recorder())),
        stderr: Stream.tap(handle.stderr, (bytes) => Effect.sync(() => record(bytes)))
      })
    })
  return {
    spawner: ChildProcessSpawner.make(spawn),
    close: () => {
      isClosing = true
    },
    tail: () => tail
  }
}

const maxTail = 4000

const late = PlatformError.systemError({ _tag: "TimedOut", module: "Mcp", method: "exitCode" })

/** The command with its plain arguments, without secrets. */
const nameOf = (command: ChildProcess.Command): string => {
  if (command._tag !== "StandardCommand") return "the MCP server"
  const words = [command.command, ...command.args.filter(Predicate.isString)].join(" ")
  const name = Redact.redact(words)
  return name.length > maxName ? `${name.slice(0, maxName - 1)}…` : name
}

const maxName = 120
