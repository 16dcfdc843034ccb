import { Step } from "effect-claude"

const translate = Step.text("translate", (letter: string) => `Translate into English: ${letter}`)
const judge = Step.all("judge", {
  mood: Step.text("mood", (letter: string) => `Is this letter friendly? ${letter}`),
  topic: Step.text("topic", (letter: string) => `What is this letter about? ${letter}`)
})

export const read = translate.pipe(Step.andThen(judge)) // read("…") is an Effect of { mood, topic }
