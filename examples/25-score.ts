// How do I measure how often a prompt is right, and hold it to that in a test?
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { Batch, Score, Step } from "effect-claude"
import { TestClaude } from "effect-claude/testing"

const mails = [
  { text: "You have won a prize!", label: "spam" },
  { text: "Lunch at noon?", label: "ham" },
  { text: "Cheap watches, today only", label: "spam" },
  { text: "The minutes of Monday", label: "ham" },
  { text: "hello", label: "" }
]
const classify = Step.text("classify", (mail: { readonly text: string }) => `Is this spam or ham?\n${mail.text}`)
const scored = classify.pipe(Score.of(Score.exact, (mail: { readonly label: string }) => mail.label))

it.effect("knows spam from ham", () =>
  Effect.gen(function* () {
    const accuracy = Score.accuracy(yield* Batch.map(mails, scored))
    // 4 of 4 rows are right, so at least 51 % of all mails are; the row without a label does not count.
    assert.strictEqual(accuracy.mean, 1)
    assert.isAbove(accuracy.lower, 0.5)
    assert.deepStrictEqual([accuracy.scored, accuracy.unscored, accuracy.failed], [4, 1, 0])
  }).pipe(Effect.provide(TestClaude.layer(TestClaude.when(/prize|watches/, "Spam."), TestClaude.when(/./, "ham"))))
)
