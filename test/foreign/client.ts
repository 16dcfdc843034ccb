/**
 * What every client is asked to do, by means of its own. A behaviour that it does not have is `none`.
 */
import { z } from "zod"

export const none = "none"

/** How to ask: what is left out is the client's default, but for the model. */
export interface Ask {
  readonly prompt: string
  readonly model: string
  readonly apiKey?: string
  readonly temperature?: number
  readonly retries?: number
}

export interface Client {
  readonly hasTemperature: boolean
  /** Asks in one piece; gives the text, or rejects with an error of the client's. */
  readonly text: (ask: Ask) => Promise<string>
  /** The HTTP status that such an error tells. */
  readonly statusOf: (error: unknown) => number | undefined
  /** The pieces of the text of a stream. */
  readonly stream: (ask: Ask) => AsyncIterable<string>
  /** Lets the client answer with the help of a tool `get_weather`, as often as it takes; gives the last text. */
  readonly tools: (ask: Ask, weather: (city: string) => string) => Promise<string>
  /** Reads a `Person` out of the prompt, by the schema of the output. */
  readonly objectBySchema: (ask: Ask) => Promise<unknown>
  /** The same, by a tool that has to be called. */
  readonly objectByTool: ((ask: Ask) => Promise<unknown>) | typeof none
  readonly countTokens: ((ask: Ask) => Promise<number>) | typeof none
  /** Takes a batch from its start to its results: the text of each request, or how it failed. */
  readonly batch: ((asks: Readonly<Record<string, Ask>>) => Promise<Record<string, BatchResult>>) | typeof none
  /** Starts a batch and cancels it; gives what became of its requests. */
  readonly cancelBatch: ((ask: Ask) => Promise<string>) | typeof none
}

export type BatchResult = { readonly text: string } | { readonly failed: string }

export const Person = z.object({ name: z.string(), born: z.number().int(), city: z.string() })

export const City = z.object({ city: z.string().describe("The name of the city") })

export const weatherTool = { name: "get_weather", description: "The weather in a city, now" }

/** Looks again until a batch has ended. */
export const untilEnded = async <A>(look: () => Promise<A>, hasEnded: (batch: A) => boolean): Promise<A> => {
  const deadline = Date.now() + 10_000
  for (;;) {
    const batch = await look()
    if (hasEnded(batch)) return batch
    if (Date.now() > deadline) throw new Error(`the batch has not ended after 10 s: ${JSON.stringify(batch)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
