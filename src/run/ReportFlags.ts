/**
 * The flags of `report`.
 */
import type * as Command from "effect/cli/Command"
import { file, json, toggle } from "./Flags.ts"
import * as StateFlags from "./StateFlags.ts"

export const flags = {
  ...StateFlags.flags,
  output: file("output", "The page to write; by default it is next to the results, where they are on this machine"),
  json,
  texts: toggle(
    "texts",
    "Include the texts of the rows that the report lists: answers and results, and the requests that the state keeps"
  )
}

/** The values of the flags. */
export type ReportFlags = Command.Command.Config.Infer<typeof flags>
