import type { Emulator } from "effect-claude/testing"

/** "Who is N?" calls `lookup` once in the first turn and twice in the second, and then gets an answer. */
export const lookups: Emulator.Rule = {
  when: /^Who is /,
  reply: ({ messages }) => {
    const name = String(messages[0]?.content).slice("Who is ".length, -1)
    const call = (at: number) => ({
      type: "tool_use",
      id: `toolu_${name.replaceAll(" ", "")}_${at}`,
      name: "lookup",
      input: { name: `${name} ${at}` }
    })
    if (messages.length === 1) return { content: [call(1)] }
    return { content: messages.length === 3 ? [call(2), call(3)] : [{ type: "text", text: `${name} is known.` }] }
  }
}
