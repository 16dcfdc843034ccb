/**
 * The behaviours that each client implements with its own API. A behaviour that the client lacks is `none`.
 */
import { z } from "zod"

export const none = "none"

/** A request. Missing fields use the client's defaults. */
export interface Ask {
  readonly prompt: string
  readonly model: string
  readonly apiKey?: string
  readonly temperature?: number
  readonly retries?: number
}

export interface Client {
  readonly hasTemperature: boolean
  /** Sends a request without streaming, and returns the text, or rejects with an error of the client. */
  readonly text: (ask: Ask) => Promise<string>
  /** The HTTP status in such an error. */
  readonly statusOf: (error: unknown) => number | undefined
  /** The text pieces of a stream. */
  readonly stream: (ask: Ask) => AsyncIterable<string>
  /** Lets the client answer with the tool `get_weather`, in as many turns as needed, and returns the last text. */
  readonly tools: (ask: Ask, weather: (city: string) => string) => Promise<string>
  /** Reads a `Person` from the prompt with an output schema. */
  readonly objectBySchema: (ask: Ask) => Promise<unknown>
  /** Reads a `Person` from the prompt with a required tool. */
  readonly objectByTool: ((ask: Ask) => Promise<unknown>) | typeof none
  readonly countTokens: ((ask: Ask) => Promise<number>) | typeof none
  /** Runs a batch, and returns the text or the failure of each request. */
  readonly batch: ((asks: Readonly<Record<string, Ask>>) => Promise<Record<string, BatchResult>>) | typeof none
  /** Creates a batch, cancels it, and returns the result type of its requests. */
  readonly cancelBatch: ((ask: Ask) => Promise<string>) | typeof none
}

export type BatchResult = { readonly text: string } | { readonly failed: string }

export const Person = z.object({ name: z.string(), born: z.number().int(), city: z.string() })

export const City = z.object({ city: z.string().describe("The name of the city") })

export const weatherTool = { name: "get_weather", description: "The weather in a city, now" }

/** Polls until a batch has ended. */
export const untilEnded = async <A>(look: () => Promise<A>, hasEnded: (batch: A) => boolean): Promise<A> => {
  const deadline = Date.now() + 10_000
  for (;;) {
    const batch = await look()
    if (hasEnded(batch)) return batch
    if (Date.now() > deadline) throw new Error(`the batch has not ended after 10 s: ${JSON.stringify(batch)}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
