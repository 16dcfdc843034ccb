/**
 * The modules that need Node.
 */
export * as Cluster from "./Cluster.ts"
export * as Http from "./Http.ts"
export * as NodeCompression from "./NodeCompression.ts"
export * as NodeSources from "./NodeSources.ts"
export * as NodeTransport from "./NodeTransport.ts"
export * as Sqlite from "./Sqlite.ts"
