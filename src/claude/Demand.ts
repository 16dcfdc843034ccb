/**
 * Knows when a run can make no progress by itself: every item that it works on waits for a call that is held back. A
 * policy that holds calls back, to send many at once, then sends what it has. `Batch` and the run of a job register their
 * items; outside of them nothing is known, and such a policy sends after a delay.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/** The items of one run. */
export interface Demand {
  /** Whether items are running and each of them waits for a call that is held back. It may change within a moment. */
  readonly isQuiet: () => boolean
}

/** Receives a run each time the last of its running items begins to wait. It is kept for the life of the run. */
export type OnQuiet = (demand: Demand) => void

/** An item, or the run itself. An item that runs a nested `Batch` has children, and only these count. */
interface Item {
  readonly run: Run
  children: number
  /** Calls of the item that are held back. */
  blocked: number
  isRunning: boolean
}

interface Run extends Demand {
  /** The items that can make progress. */
  busy: number
  /** The calls that are held back, over all items. */
  blocked: number
  readonly listeners: Set<OnQuiet>
}

const Current: Context.Reference<Item | undefined> = Context.Reference("effect-claude/Demand", {
  defaultValue: (): Item | undefined => undefined
})

const start = (): Item => {
  const run: Run = { busy: 0, blocked: 0, listeners: new Set(), isQuiet: () => run.busy === 0 && run.blocked > 0 }
  return { run, children: 0, blocked: 0, isRunning: false }
}

const isBusy = ({ blocked, children, isRunning }: Item) => isRunning && children === 0 && blocked === 0

/** Counts a child or a call of an item, and whether the item can make progress now. */
const change = (item: Item, by: 1 | -1, what: "children" | "blocked"): void => {
  const wasBusy = isBusy(item)
  item[what] += by
  item.run.busy += Number(isBusy(item)) - Number(wasBusy)
}

const notify = ({ run }: Item): void => {
  if (run.isQuiet()) for (const listener of run.listeners) listener(run)
}

/** Registers the items of an effect as one run, unless it is part of a run already. */
export const provide = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.withFiber((fiber) =>
    fiber.getRef(Current) === undefined ? Effect.provideService(effect, Current, start()) : effect
  )

/** The same for the items of a stream. */
export const provideStream = <A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
  Stream.unwrap(
    Effect.withFiber((fiber) =>
      Effect.succeed(fiber.getRef(Current) === undefined ? Stream.provideService(stream, Current, start()) : stream)
    )
  )

/** Runs an effect as one item of the run. */
export const running = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  counted((parent, onExit) => {
    const item: Item = { run: parent.run, children: 0, blocked: 0, isRunning: true }
    parent.run.busy += 1
    change(parent, 1, "children")
    onExit(() => {
      if (isBusy(item)) parent.run.busy -= 1
      item.isRunning = false
      change(parent, -1, "children")
      notify(item)
    })
    return Effect.provideService(effect, Current, item)
  }, effect)

/** Counts each pull of a source of items as an item, because it may bring more of them. */
export const source = <A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
  Stream.transformPull(stream, (pull) => Effect.succeed(running(pull)))

/**
 * Waits for a call that is held back. Each time the run becomes quiet, from now on, `onQuiet` receives it.
 */
export const blocked =
  (onQuiet: OnQuiet) =>
  <A, E, R>(wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    counted((item, onExit) => {
      const { run } = item
      run.listeners.add(onQuiet)
      run.blocked += 1
      change(item, 1, "blocked")
      onExit(() => {
        run.blocked -= 1
        change(item, -1, "blocked")
      })
      notify(item)
      return wait
    }, wait)

/** Runs `within` the current item. Without one, runs the effect as it is. `onExit` runs however it ends. */
const counted = <A, E, R>(
  within: (item: Item, onExit: (leave: () => void) => void) => Effect.Effect<A, E, R>,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let leave: (() => void) | undefined
    const entered = Effect.withFiber((fiber) => {
      const item = fiber.getRef(Current)
      return item === undefined ? effect : within(item, (exit) => (leave = exit))
    })
    return Effect.onExitPrimitive(entered, () => {
      leave?.()
      return undefined
    })
  })
