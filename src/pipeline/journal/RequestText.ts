/**
 * The text of a request that a state keeps, to show later how the program has changed: the canonical form, with hashes in
 * place of the values of headers, which may be keys, and of images and PDFs in Base64, which are long.
 */
import * as Record from "effect/Record"
import * as Request from "../../claude/Request.ts"
import * as Sha256 from "../../claude/Sha256.ts"

export const of = (request: Request.Request): string =>
  Request.canonical(
    request.headers === undefined ? request : { ...request, headers: Record.map(request.headers, hashed) }
  ).replaceAll(/(?<="data":")[A-Za-z0-9+/]{1000,}={0,2}(?=")/g, hashed)

const hashed = (value: string) => `sha256:${Sha256.hex(value).slice(0, 16)}`
