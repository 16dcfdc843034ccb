/**
 * Settings of a single tool, as annotations: `Tool.make("search").annotate(Tools.Timeout, "10 seconds")`.
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"

/** The longest time that the handler may take; `undefined` for the limit of the loop. */
export const Timeout: Context.Reference<Duration.Input | undefined> = Context.Reference("effect-claude/Tools/Timeout", {
  defaultValue: (): Duration.Input | undefined => undefined
})

/**
 * What a job does with the tool when a row is resumed. `stored` keeps each result in the journal and never runs a handler
 * again whose result is stored; it is the default, because a different result would make the stored replies useless.
 * `again` runs the handler in every run: use it for a tool whose effect is lost with the process, and whose result is
 * always the same. An estimate runs neither.
 */
export const Replay: Context.Reference<"stored" | "again"> = Context.Reference("effect-claude/Tools/Replay", {
  defaultValue: (): "stored" | "again" => "stored"
})
