/**
 * `node --import …/noFence.ts`: a build for the bench whose workers send calls for a chunk after its time is over. It shows
 * what the fence saves.
 */
import { registerHooks } from "node:module"

const fence = "isHeld: () => isHeld(lease)"

registerHooks({
  load: (url, context, next) => {
    const loaded = next(url, context)
    if (!/\/pipeline\/Dispatcher\.(ts|js)$/.test(url)) return loaded
    const source = String(loaded.source)
    if (!source.includes(fence)) throw new Error(`${url} has no "${fence}" to replace`)
    return { ...loaded, source: source.replace(fence, "isHeld: () => true") }
  }
})
