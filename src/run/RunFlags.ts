/**
 * The flags of every command that runs a job. `RunOptions` applies them. The declaration of a flag loads little: `--help`
 * reads all of them.
 */
import type * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import { Amount } from "../claude/Amount.ts"
import { file, json, limitsPerMinute, positive, text, toggle } from "./Flags.ts"

/** An amount of money or of tokens. */
export const amount = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.withSchema(Amount), Flag.optional)

export const flags = {
  output: file("output", "The file for the results, in the format of its ending"),
  state: file(
    "state",
    "Where rows, replies and batches are recorded: a file, by default next to the output, or postgres://host:5432/database"
  ),
  model: text("model", "The model of prompts that name none; claude-sonnet-5-5 by default"),
  fallback: text("fallback", "The model to ask for calls that fail after their retries, such as in an outage"),
  mode: Flag.Literals("mode", ["direct", "batches"]).pipe(
    Flag.withDescription(
      "batches: send calls as Message Batches, at half the price, with answers within 24 hours; --rpm, --itpm, --otpm and " +
        "--redis have no effect on them"
    ),
    Flag.withDefault("direct")
  ),
  onInterrupt: Flag.Literals("on-interrupt", ["leave", "cancel"]).pipe(
    Flag.withDescription("What happens to batches in progress when a signal stops the run"),
    Flag.withDefault("leave")
  ),
  cache: file(
    "cache",
    "Store answers, and reuse them for identical requests: a file, redis://host:6379 or postgres://host:5432/database"
  ),
  ...limitsPerMinute,
  redis: text("redis", "Share the rate limits with other runs through this server: redis://host:6379"),
  concurrency: positive("concurrency", "Calls in flight at once; 64 by default, 10000 with batches").pipe(
    Flag.optional
  ),
  promptCache: Flag.Literals("prompt-cache", ["5m", "1h"]).pipe(
    Flag.withDescription("Let the API cache the parts that prompts share, for this long after each use"),
    Flag.optional
  ),
  budget: amount("budget", 'Spend at most this on the job, over all its runs: "5 USD" or "2M tokens"'),
  limit: positive("limit", "Stop after this many rows; the next run continues").pipe(Flag.optional),
  sample: positive("sample", "Run this many rows only, the same ones every time").pipe(Flag.optional),
  where: text("where", 'Run only rows in which a column has a value, such as "country=NZ"'),
  maxFailures: positive("max-failures", "Stop after this many rows have failed").pipe(Flag.optional),
  keep: toggle("keep", "If the job has changed, keep the rows that are finished"),
  rerun: toggle("rerun", "Run every row again; replies of calls that have not changed are not paid for again"),
  dryRun: toggle(
    "dry-run",
    "Show the first requests and an estimate of calls, tokens, money and time, and send nothing"
  ),
  countTokens: toggle(
    "count-tokens",
    "For an estimate, let the API count the tokens of sampled prompts, free of charge"
  ),
  rejects: file("rejects", "The file for invalid rows, with reasons; without it they make the run fail"),
  yes: toggle("yes", "On a terminal, do not ask before a run of more than one dollar or 1,000 rows"),
  onlyResults: toggle("only-results", "Write the results only, without the columns of the input"),
  emulator: toggle("emulator", "Use an emulator on this machine instead of Claude: no key, no cost"),
  json
}

/** The values of the flags. */
export type RunFlags = Command.Command.Config.Infer<typeof flags>
