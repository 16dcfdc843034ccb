/**
 * Lets Node import the modules of a user as TypeScript does: `./x.js` may be `./x.ts`, an extension may be missing, and
 * enums work. It also finds the place of what cannot be imported, which Node's own errors often lack.
 */
import { registerHooks, stripTypeScriptTypes } from "node:module"
import { readFileSync } from "node:fs"
import { relative } from "node:path"
import { fileURLToPath } from "node:url"
import * as ErrorText from "./ErrorText.ts"

/** The last import that failed to resolve. */
let unresolved: { readonly specifier: string; readonly parent: string; readonly error: unknown } | undefined
/** The JavaScript modules of the user, in the order in which they were loaded. */
const loaded = new Map<string, string>()

let isInstalled = false

/** Changes how this process imports modules, from now on. */
export const install = (): void => {
  if (isInstalled) return
  isInstalled = true
  registerHooks({
    resolve: (specifier, context, next) => {
      try {
        return next(specifier, context)
      } catch (error) {
        for (const candidate of candidates(specifier)) {
          try {
            return next(candidate, context)
          } catch {}
        }
        unresolved = { specifier, parent: context.parentURL ?? "", error }
        throw error
      }
    },
    load: (url, context, next) => {
      const module = next(url, context)
      if (!isOfUser(url) || module.source === null || module.source === undefined) return module
      const source = typeof module.source === "string" ? module.source : new TextDecoder().decode(module.source)
      if (!module.format?.endsWith("-typescript")) {
        if (module.format === "module" || module.format === "commonjs") loaded.set(url, source)
        return module
      }
      if (!isUnsupported(failureOf(() => strip(source, "strip")))) return module
      // Where this Node cannot transform it either, its own error names the place.
      const transformed = failureOr(undefined, () => strip(source, "transform", url))
      if (transformed === undefined) return module
      process.setSourceMapsEnabled(true)
      return { ...module, format: module.format.replace("-typescript", ""), source: transformed }
    }
  })
}

/** The file, line and column of an error from an import, where they can be found, and its message. */
export const describe = (error: unknown): string => {
  if (error === unresolved?.error && unresolved !== undefined) return describeUnresolved(unresolved)
  const place = markedPlace(error) ?? (isOfParser(error) ? syntaxErrorPlace() : ErrorText.placeOf(error))
  return place === undefined ? ErrorText.of(error) : `${short(place)}: ${ErrorText.of(error)}`
}

/** `path:line:column` of the first of these texts in a file. */
export const placeIn = (path: string, ...texts: ReadonlyArray<string>): string => {
  const source = failureOr("", () => readFileSync(path, "utf8"))
  const index = texts.map((text) => source.indexOf(text)).find((index) => index >= 0)
  if (index === undefined) return path
  const before = source.slice(0, index).split("\n")
  return `${path}:${before.length}:${(before.at(-1) ?? "").length + 1}`
}

/** A path in the working folder without that folder. */
export const short = (path: string): string => {
  const inside = relative(process.cwd(), path)
  return inside.startsWith("..") ? path : inside
}

const candidates = (specifier: string): ReadonlyArray<string> => {
  if (!/^(\.|\/|file:)/.test(specifier)) return []
  if (/\.[cm]?js$/.test(specifier)) return [specifier.replace(/js$/, "ts")]
  return /\.[cm]?ts$/.test(specifier)
    ? []
    : [".ts", ".mts", ".js", "/index.ts", "/index.js"].map((end) => specifier + end)
}

const isOfUser = (url: string) => url.startsWith("file:") && !url.includes("/node_modules/")

const describeUnresolved = ({ error, parent, specifier }: NonNullable<typeof unresolved>): string => {
  const path = parent.startsWith("file:") ? fileURLToPath(parent) : parent
  return `${short(placeIn(path, `"${specifier}"`, `'${specifier}'`))}: ${reasonOf(specifier, error)}`
}

const reasonOf = (specifier: string, error: unknown): string => {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return ErrorText.of(error)
  if (/^(\.|\/|file:)/.test(specifier)) return `there is no module "${specifier}"; check the path`
  if (/^(@\/|~|#|src\/)/.test(specifier)) {
    return `there is no package "${specifier}"; aliases of tsconfig.json do not work here: write a relative path, or define it under "imports" in package.json`
  }
  return `there is no package "${specifier}"; install it`
}

/** Some errors begin their stack with `path:line`, lines of the source, and carets below the column. */
const markedPlace = (error: unknown): string | undefined => {
  const stack = error instanceof Error ? (error.stack ?? "") : ""
  const [, location, carets] = /^((?:file:|\/|[A-Z]:\\).*:\d+)\n(?:.*\n)*?( *)\^/.exec(stack) ?? []
  return location === undefined || carets === undefined
    ? undefined
    : ErrorText.toPath(`${location}:${carets.length + 1}`)
}

/** Whether Node found this error when it parsed a module. Otherwise code threw it, such as `JSON.parse`. */
const isOfParser = (error: unknown) =>
  error instanceof SyntaxError && /^SyntaxError.*\n *at .*node:internal\/(modules|vm)/.test(error.stack ?? "")

/** Node's own errors about JavaScript have no place, so its parser of TypeScript is asked. */
const syntaxErrorPlace = (): string | undefined => {
  for (const [url, source] of [...loaded].toReversed()) {
    const place = markedPlace(failureOf(() => strip(source, "strip", url)))
    if (place !== undefined) return place
  }
  return undefined
}

const isUnsupported = (error: unknown) =>
  error instanceof Error && "code" in error && error.code === "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX"

/** Node warns that this function is experimental. The user cannot act on that, so the warning is dropped. */
const strip = (source: string, mode: "strip" | "transform", sourceUrl?: string): string => {
  const { emitWarning } = process
  process.emitWarning = () => undefined
  try {
    const url = sourceUrl === undefined ? {} : { sourceUrl }
    return mode === "strip"
      ? stripTypeScriptTypes(source, { mode, ...url })
      : stripTypeScriptTypes(source, { mode, sourceMap: true, ...url })
  } finally {
    process.emitWarning = emitWarning
  }
}

const failureOf = (f: () => unknown): unknown => {
  try {
    f()
    return undefined
  } catch (error) {
    return error
  }
}

const failureOr = <A>(fallback: A, f: () => A): A => {
  try {
    return f()
  } catch {
    return fallback
  }
}
