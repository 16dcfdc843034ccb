/**
 * The output streams of the process, and whether they are terminals. Tests replace them.
 */
import * as Context from "effect/Context"

/** A stream that may be a terminal. */
export interface Output extends NodeJS.WritableStream {
  readonly isTTY?: boolean
  /** The width of the terminal, which changes when its window does. */
  readonly columns?: number
  readonly rows?: number
  /** Whether colours are wanted: they are not with NO_COLOR, and on terminals without colours. */
  readonly hasColors?: () => boolean
}

/** The streams of the process. */
export interface Outputs {
  readonly stdout: Output
  readonly stderr: Output
}

/** The streams of this process. */
export const Outputs: Context.Reference<Outputs> = Context.Reference("effect-claude/run/Outputs", {
  defaultValue: (): Outputs => ({ stdout: process.stdout, stderr: process.stderr })
})
