import { Layer } from "effect"
import { Claude, ResponseCache } from "effect-claude"
import { Sqlite } from "effect-claude/node"

const store = ResponseCache.layerSql().pipe(Layer.provide(Sqlite.layer({ path: "answers.sqlite" })))

export const live = Claude.layerConfig().pipe(Claude.stack({ cache: { store, timeToLive: "7 days" } }))
