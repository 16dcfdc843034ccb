/**
 * Collections of a fold whose memory does not grow with the number of rows: the first few by a rank, and groups by name.
 */

/** Keeps the `most` elements with the highest rank; of equal ranks the earlier ones. */
export const top = <A>(most: number) => {
  const kept: Array<{ readonly rank: number; readonly value: A }> = []
  return {
    /** `make` runs only for an element that is kept for now. */
    add: (rank: number, make: () => A): void => {
      const least = kept.at(-1)
      if (kept.length === most && (least === undefined || rank <= least.rank)) return
      const place = kept.findIndex((other) => other.rank < rank)
      kept.splice(place === -1 ? kept.length : place, 0, { rank, value: make() })
      if (kept.length > most) kept.pop()
    },
    values: (): ReadonlyArray<A> => kept.map(({ value }) => value)
  }
}

/** The names that a program makes up, such as steps with a number in their name, must not fill the memory. */
const mostGroups = 200

/** The name of the group of everything beyond the first 200 groups. */
export const others = "(others)"

/** Finds the group with a name, or makes it. */
export const groups = <A>(make: () => A) => {
  const found = new Map<string, A>()
  const of = (name: string): A => {
    const known = found.get(name)
    if (known !== undefined) return known
    if (found.size >= mostGroups && name !== others) return of(others)
    const group = make()
    found.set(name, group)
    return group
  }
  return { of, entries: (): ReadonlyArray<readonly [string, A]> => [...found] }
}
