/**
 * Reads JSON from the wire. It skips `Schema`, because it runs for every answer and every event of a stream; fields
 * that the types do not know pass through.
 */

/** The value of a JSON text; undefined where the text is no JSON. */
export const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
