import { Effect } from "effect"
import { Claude } from "effect-claude"

/** Gives every call the same system prompt. */
export const houseRules = (system: string) =>
  Claude.wrap((next) =>
    Effect.succeed({
      create: (request) => next.create({ ...request, system }),
      stream: (request) => next.stream({ ...request, system }),
      countTokens: (request) => next.countTokens({ ...request, system }),
      capacity: next.capacity
    })
  )
