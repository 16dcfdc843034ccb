/**
 * Fakes, and an emulator of the API: tests without a key.
 */
export * as Cassette from "./Cassette.ts"
export * as Emulator from "./Emulator.ts"
export * as TestClaude from "./TestClaude.ts"
