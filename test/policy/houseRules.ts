import { Effect } from "effect"
import { Claude } from "effect-claude"

/** Adds a system prompt to every call. */
export const houseRules = (system: string) =>
  Claude.wrap((next) =>
    Effect.succeed({
      create: (request) => next.create({ ...request, system }),
      stream: (request) => next.stream({ ...request, system }),
      countTokens: (request) => next.countTokens({ ...request, system }),
      capacity: next.capacity
    })
  )
