/**
 * The text of a request that a state keeps, to show later how the program has changed: the canonical form, with hashes in
 * place of the values of headers, which may be keys.
 */
import * as Record from "effect/Record"
import * as Request from "../../claude/Request.ts"
import * as Sha256 from "../../claude/Sha256.ts"

export const of = (request: Request.Request): string =>
  Request.canonical(
    request.headers === undefined
      ? request
      : { ...request, headers: Record.map(request.headers, (value) => `sha256:${Sha256.hex(value).slice(0, 16)}`) }
  )
