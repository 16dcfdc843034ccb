/**
 * Prints the modules that a process has loaded, as its last line on stderr. Preload it with `--import`.
 */
import { registerHooks } from "node:module"

const urls: Array<string> = []
registerHooks({
  load: (url, context, next) => {
    urls.push(url)
    return next(url, context)
  }
})
process.once("exit", () => process.stderr.write(JSON.stringify(urls)))
