/**
 * The known differences from the tables of other packages, by reason.
 */
export const differences: Readonly<Record<string, ReadonlyArray<string>>> = {
  'pi-ai has no Mythos. Mythos 5 and 5.1 cost what Fable of that number does (Anthropic, "Pricing", Sep 2026).': [
    "pi-ai claude-mythos-5-1: a price, there no price",
    "pi-ai claude-mythos-5: a price, there no price"
  ],
  "genai-prices 0.1.8 is of 23 Sep 2026, older than these models, and has no Mythos.": [
    "genai-prices claude-fable-5-2: a price, there no price",
    "genai-prices claude-haiku-5-5: a price, there no price",
    "genai-prices claude-mythos-5-1: a price, there no price",
    "genai-prices claude-mythos-5: a price, there no price",
    "genai-prices a long prompt: $0.0512505, there no price"
  ],
  "genai-prices takes claude-sonnet-5-5 for claude-sonnet-5, because it compares only the beginning of the id.": [
    "genai-prices claude-sonnet-5-5 cacheRead: 0.1, there 0.2"
  ],
  "genai-prices does not read the tier, the speed and the geography of an answer.": [
    "genai-prices a batch: $0.007, there $0.014",
    "genai-prices fast mode: $0.028, there $0.014",
    "genai-prices in the US: $0.0154, there $0.014",
    "genai-prices Priority Tier: no price, there $0.014"
  ],
  "genai-prices does not read iterations, and the totals of an answer leave out compactions and advisors.": [
    "genai-prices a compaction: $0.454, there $0.014",
    "genai-prices an advisor: $0.031, there $0.007"
  ]
}
