/**
 * Inputs that are no files, such as a database or standard input. They need Node, so the library has the interface only:
 * `NodeSources.layer` of `effect-claude/node` opens them, and the command line provides it.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as Stream from "effect/Stream"
import type { DatasetFailed } from "./DatasetFailed.ts"
import type { EncodedPage, Format } from "./Format.ts"

/** Rows that are not decoded yet. */
export interface Source {
  readonly values: Format["values"]
  readonly pages: Stream.Stream<EncodedPage, DatasetFailed, FileSystem.FileSystem>
  /** The file, if they come from one. */
  readonly path?: string
}

/** Opens the input of an address; undefined if the address is none that it knows. */
export type Open = (address: string) => Effect.Effect<Source | undefined, DatasetFailed>

/** Opens inputs; by default only files are inputs. */
export const Sources: Context.Reference<Open> = Context.Reference("effect-claude/Sources", {
  defaultValue: (): Open => () => Effect.undefined
})

/** An address as names and messages show it, without a user and a password. */
export const nameOf = (address: string): string => address.replace(/:\/\/[^/?]*@/, "://")
