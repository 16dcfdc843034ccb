/**
 * The entry point of the command line. Errors are one line on stderr, where logs go too; `ExitWith` lists the exit codes.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"
import * as Cli from "./Cli.ts"
import * as Heap from "./Heap.ts"
import * as Signals from "./Signals.ts"

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"))

Heap.limit()
Signals.runMain(Effect.provide(Cli.program(version), NodeServices.layer))
