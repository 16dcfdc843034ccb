/** What a browser would repair in silence. */

/** What the first group of a pattern has found. */
export const all = (text: string, pattern: RegExp) => Array.from(text.matchAll(pattern), ([, found = ""]) => found)

const empty = new Set(["meta", "br", "line", "path", "rect", "circle", "use"])

/** Elements that are not closed in order. */
export const unbalanced = (page: string): ReadonlyArray<string> => {
  const open: Array<string> = []
  const wrong: Array<string> = []
  for (const [tag, close, name = ""] of page.matchAll(/<(\/?)([a-z][\w-]*)(?:\s+[\w:-]+(?:="[^"<]*")?)*\s*(\/?)>/gi)) {
    if (close === "/") {
      if (open.pop() !== name) wrong.push(tag)
    } else if (!tag.endsWith("/>") && !empty.has(name)) open.push(name)
  }
  const tags = page.replaceAll(/<style>[^]*?<\/style>/g, "").match(/<(?!!doctype)/g)?.length ?? 0
  const read = page.match(/<(\/?)([a-z][\w-]*)(?:\s+[\w:-]+(?:="[^"<]*")?)*\s*(\/?)>/gi)?.length ?? 0
  return [...wrong, ...open, ...(tags === read - 2 ? [] : [`${tags} of ${read - 2} tags can be read`])]
}
