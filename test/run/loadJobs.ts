/** Loads each file that the arguments name, and prints one line of JSON for each: its job, or the message. */
import * as Effect from "effect/Effect"
import * as JobFile from "../../src/run/JobFile.ts"

const print = (text: string) => Effect.sync(() => process.stdout.write(`${JSON.stringify(text)}\n`))

const load = (path: string) =>
  Effect.matchEffect(JobFile.load(path), {
    onSuccess: ({ name }) => print(`job ${name}`),
    onFailure: ({ message }) => print(message)
  })

await Effect.runPromise(Effect.forEach(process.argv.slice(2), load))
