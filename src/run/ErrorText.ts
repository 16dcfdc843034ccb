/**
 * The text of anything that was thrown.
 */
import { fileURLToPath } from "node:url"

/** The message of an error, or the value as text. */
export const of = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The message, and the line of the user's code that threw it. */
export const withPlace = (error: unknown): string => {
  const place = placeOf(error)
  return place === undefined ? of(error) : `${of(error)}, at ${place}`
}

/** The folder of this library. */
const ours = new URL("..", import.meta.url).href

/** `path:line:column` of the first stack frame outside Node, this library and installed packages. */
export const placeOf = (error: unknown): string | undefined => {
  if (!(error instanceof Error)) return undefined
  for (const [, location = ""] of (error.stack ?? "").matchAll(
    /^ *at (?:.*\()?((?:file:\/\/|\/|[A-Z]:\\).*:\d+:\d+)\)?$/gm
  )) {
    if (!location.includes("/node_modules/") && !location.startsWith(ours)) return toPath(location)
  }
  return undefined
}

/** Turns `file:///a/b.ts:1:2` into `/a/b.ts:1:2`. */
export const toPath = (location: string): string => {
  const [, url = "", position = ""] = /^(file:.*?)((?::\d+){0,2})$/.exec(location) ?? []
  return url === "" ? location : fileURLToPath(url) + position
}
