/**
 * The error that ends the process: an exit code, and the message for stderr. Commands translate their own errors into
 * it. Leave the message out where the command has already printed its report.
 *
 * 1: some rows failed. 2: usage or configuration kept the command from starting. 3: a run stopped before its end and can
 * be resumed. 130, 143: interrupted.
 */
import * as Runtime from "effect/Runtime"

/** Ends the process with a code. */
export class ExitWith extends Error {
  readonly _tag = "ExitWith"
  readonly code: number
  override readonly [Runtime.errorExitCode]: number
  constructor(code: number, message = "") {
    super(message)
    this.code = code
    this[Runtime.errorExitCode] = code
  }
}
