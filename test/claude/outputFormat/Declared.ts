/**
 * Reads the declarations of a schema from its AST: descriptions, titles, and the numbers and texts of its checks.
 */
import type * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"

/** All declared texts and bounds. */
export const declaredIn = (schema: Schema.Top): ReadonlyArray<string> => {
  const found = new Set<string>()
  const seen = new Set<SchemaAST.AST>()

  const note = (annotations: Readonly<Record<string, unknown>> = {}) => {
    for (const key of ["title", "description"]) if (typeof annotations[key] === "string") found.add(annotations[key])
  }
  const check = (one: SchemaAST.Check<never>): void => {
    note(one.annotations)
    if (one._tag === "FilterGroup") return one.checks.forEach(check)
    const payload: unknown = one.annotations?.["representation"]?.payload
    if (typeof payload !== "object" || payload === null) return
    for (const value of Object.values(payload))
      if (!["boolean", "object"].includes(typeof value)) found.add(String(value))
  }
  const visit = (ast: SchemaAST.AST): void => {
    if (seen.has(ast)) return
    seen.add(ast)
    note(ast.context?.annotations)
    note(ast.annotations)
    ast.checks?.forEach(check)
    for (const part of partsOf(ast)) visit(part)
    for (const { to } of ast.encoding ?? []) visit(to)
  }
  visit(schema.ast)
  return [...found].filter((text) => text !== "")
}

const partsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isDeclaration(ast)) return ast.typeParameters
  if (SchemaAST.isArrays(ast)) return [...ast.elements, ...ast.rest]
  if (SchemaAST.isUnion(ast)) return ast.types
  if (SchemaAST.isSuspend(ast)) return [ast.thunk()]
  if (!SchemaAST.isObjects(ast)) return []
  return [
    ...ast.propertySignatures.map(({ type }) => type),
    ...ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type])
  ]
}
