/** Ax: its chat, and its programs from signatures. */
import {
  ax as program,
  AxAIAnthropic,
  type AxAIAnthropicModel,
  AxAIServiceAuthenticationError,
  AxAIServiceStatusError,
  f,
  fn
} from "@ax-llm/ax"
import { type Ask, City, type Client, none, weatherTool } from "./client.ts"

/** A nested output, since Ax requests flat outputs as labelled lines of prose, which only a model can follow. */
const fields = { name: f.string(), born: f.number(), city: f.string() }

export const ax = (url: string): Client => {
  const service = ({ apiKey = "key", model, retries = 2, temperature }: Ask) => {
    const made = new AxAIAnthropic({
      apiKey,
      // The type lists only the models that Ax knows.
      config: {
        model: model as AxAIAnthropicModel,
        maxTokens: 1000,
        ...(temperature !== undefined && { temperature })
      },
      options: { retry: { maxRetries: retries } }
    })
    made.setAPIURL(`${url}/v1`)
    return made
  }
  const chat = async (ask: Ask, stream: boolean) =>
    service(ask).chat({ chatPrompt: [{ role: "user", content: ask.prompt }] }, { stream })
  const person = async (ask: Ask, structuredOutputMode: "native" | "function") => {
    const signature = f().input("document", f.string()).output("person", f.object(fields)).build()
    const options = { structuredOutputMode, maxRetries: 0 }
    return (await program(signature).forward(service(ask), { document: ask.prompt }, options)).person
  }

  return {
    hasTemperature: true,
    text: async (ask) => {
      const answer = await chat(ask, false)
      if (answer instanceof ReadableStream) throw new Error("received a stream for a request without streaming")
      return answer.results[0]?.content ?? ""
    },
    statusOf: (error) =>
      error instanceof AxAIServiceStatusError
        ? error.status
        : error instanceof AxAIServiceAuthenticationError
          ? 401
          : undefined,
    stream: async function* (ask) {
      const answer = await chat(ask, true)
      if (!(answer instanceof ReadableStream)) throw new Error("no stream, though one was asked for")
      for await (const { results } of answer) yield results[0]?.content ?? ""
    },
    tools: async (ask, weather) => {
      const { description, name } = weatherTool
      const tool = fn(name)
        .description(description)
        .arg(City)
        .handler(async ({ city }) => weather(city))
        .build()
      const { answer } = await program("question:string -> answer:string").forward(
        service(ask),
        { question: ask.prompt },
        { functions: [tool], maxSteps: 5, maxRetries: 0 }
      )
      return answer
    },
    objectBySchema: (ask) => person(ask, "native"),
    objectByTool: (ask) => person(ask, "function"),
    countTokens: none,
    batch: none,
    cancelBatch: none
  }
}
