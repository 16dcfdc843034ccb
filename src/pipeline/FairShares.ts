/**
 * Divides a number of places between parties by what each of them wants. No party gets more than an equal share while
 * another one lacks places. Places that no party wants are divided equally too, so that each can begin at once.
 */

/** Whole shares, in the order of the parties. Their sum is `total`. */
export const split = (total: number, wants: ReadonlyArray<number>): ReadonlyArray<number> => {
  const shares = wants.map(() => 0)
  let left = total
  let open = wants.map((want, party) => ({ party, want })).toSorted((one, other) => one.want - other.want)
  while (open.length > 0 && left > 0) {
    const equal = left / open.length
    const [least] = open
    if (least === undefined || least.want > equal) break
    shares[least.party] = least.want
    left -= least.want
    open = open.slice(1)
  }
  // Parties that lack places divide the rest; if all have what they want, all do.
  const parties =
    open.length > 0 ? open.map(({ party }) => party).toSorted((one, other) => one - other) : [...shares.keys()]
  parties.forEach((party, index) => {
    const part = Math.floor(left / parties.length) + Number(index < left % parties.length)
    shares[party] = (shares[party] ?? 0) + part
  })
  return shares
}
