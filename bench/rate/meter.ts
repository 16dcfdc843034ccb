/**
 * The books of a server: how much of each limit it offered, and how much of that was used. The stand-in server also
 * decides by these buckets; beside the emulator they only watch.
 */
import * as Bucket from "./bucket.ts"
import { type Amounts, type Kind, kinds } from "./rows.ts"

/** `promised` is output of admitted calls that is not yet produced. Times are in milliseconds since the first request. */
export interface State {
  readonly now: number
  readonly books: { readonly [kind in Kind]: Bucket.Books }
  readonly promised: number
  readonly answers: number
  readonly refusals: number
}

export interface Meter {
  readonly buckets: { readonly [kind in Kind]: Bucket.Bucket }
  /** Takes an admitted call; its output is taken as it is produced, by shares that add up to one. */
  readonly admit: (now: number, input: number, output: number) => (now: number, share: number) => void
  readonly refuse: () => void
  readonly state: (now: number) => State
}

/** Full buckets. */
export const make = (limits: Amounts, terms: Bucket.Terms): Meter => {
  const of = (kind: Kind) => Bucket.make(limits[kind], terms)
  const buckets = { requests: of("requests"), input: of("input"), output: of("output") }
  let promised = 0
  let answers = 0
  let refusals = 0
  return {
    buckets,
    admit: (now, input, output) => {
      buckets.requests.take(now, 1)
      buckets.input.take(now, input)
      promised += output
      answers += 1
      return (now, share) => {
        buckets.output.take(now, output * share)
        promised -= output * share
      }
    },
    refuse: () => {
      refusals += 1
    },
    state: (now) => {
      const { input, output, requests } = buckets
      const books = { requests: requests.books(now), input: input.books(now), output: output.books(now) }
      return { now, books, promised, answers, refusals }
    }
  }
}

/** What a subject made of the limits between two states. */
export interface Use {
  readonly binding: Kind
  /** Of what the binding limit offered: 1 if nothing overflowed and nothing is left. */
  readonly share: number
  readonly refusalsPerThousand: number
}

/** Output that is promised counts as used, because it was admitted. */
const free = ({ books, promised }: State, kind: Kind) => books[kind].level - (kind === "output" ? promised : 0)

const shareOf = (from: State, to: State, kind: Kind): number => {
  const offered = free(from, kind) + to.books[kind].offered - from.books[kind].offered
  const unused = Math.max(0, free(to, kind)) + to.books[kind].overflowed - from.books[kind].overflowed
  return 1 - unused / offered
}

/** The limit of which most was used is the one that binds. */
export const use = (from: State, to: State): Use => {
  const shares = kinds.map((kind) => ({ binding: kind, share: shareOf(from, to, kind) }))
  const [most = { binding: "requests" as const, share: 0 }] = shares.toSorted((a, b) => b.share - a.share)
  const refusals = to.refusals - from.refusals
  return { ...most, refusalsPerThousand: (1000 * refusals) / (refusals + to.answers - from.answers || 1) }
}

/** What was on offer since the first request and is not used, in seconds of that limit. */
export const idleSeconds = (state: State, kind: Kind, perMinute: number): number =>
  ((Math.max(0, free(state, kind)) + state.books[kind].overflowed) * 60) / perMinute
