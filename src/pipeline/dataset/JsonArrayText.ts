/**
 * Lines of JSON as one JSON array, an element a line, so that the file is also easy to read and to compare.
 */
import * as Stream from "effect/Stream"

/** Encodes lines. */
export const encode = <E, R>(lines: Stream.Stream<string, E, R>): Stream.Stream<Uint8Array, E, R> => {
  const encoder = new TextEncoder()
  return Stream.mapAccumArray(
    lines,
    () => "[\n",
    (before, chunk) => [",\n", [encoder.encode(before + chunk.join(",\n"))]] as const,
    { onHalt: (before) => [encoder.encode(before === "[\n" ? "[]\n" : "\n]\n")] }
  )
}
