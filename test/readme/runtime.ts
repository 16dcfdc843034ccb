import { ManagedRuntime } from "effect"
import { Claude } from "effect-claude"

const runtime = ManagedRuntime.make(Claude.layerConfig().pipe(Claude.stack()))
export const hello = () => runtime.runPromise(Claude.generateText("Hello"))
export const close = () => runtime.dispose() // when the app ends
