import { readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"

// Growth of the public surface shows here in a diff; `vitest -u` updates the lists.
describe("the public names", () => {
  it("of effect-claude", () => {
    expect(namesOf("src/index.ts")).toMatchInlineSnapshot(`
      "AnthropicClient: AnthropicClient Client ClientMisconfigured Options callOptions layer layerConfig layerFrom
      Event: BatchEnded BatchLost BatchPolled BatchRetried BatchSent BudgetBinds CacheFailed CallBegun CallEnded CallFailed CallFellBack CallFinished CallFirstToken CallHedged CallHit CallInterrupted CallRetried CallSent CallWaited ChunkEnded ChunkTaken Event EventBody ItemFinished JobWaits LimitBinds Listener OfAttempt OfBatch OutputReasked OutputRepaired RowFinished RowsCounted RunChecked RunPaced ToolEnding ToolFinished both emit emitHit emitWaited finished listen
      CallEvent: BatchEnded BatchLost BatchPolled BatchRetried BatchSent BudgetBinds CacheFailed CallBegun CallEnded CallFailed CallFellBack CallFinished CallFirstToken CallHedged CallHit CallInterrupted CallRetried CallSent CallWaited ChunkEnded ChunkTaken Event EventBody ItemFinished JobWaits LimitBinds Listener OfAttempt OfBatch OutputReasked OutputRepaired RowFinished RowsCounted RunChecked RunPaced ToolEnding ToolFinished both emit emitHit emitWaited finished listen
      CallSite: CallSite label row within
      ClaudeError: BatchItemLost BillingFailed BudgetExceeded CassetteMiss CircuitOpen ClaudeError Conflict ConnectionFailed ContextWindowExceeded Facts InvalidRequest MalformedResponse NotFound OutputEmpty OutputInvalid OutputTruncated Overloaded PermissionDenied RateLimited Reason Refused RequestTooLarge ServerFailed SpendLimitReached StreamInterrupted TimedOut ToolUseRequested TurnPaused Unauthenticated Unsupported
      Content: Address Block Citation CitedDocument CitedSource ContentInvalid DocumentBlock DocumentOptions FileId ImageBlock check citations file image pdf text user
      Cost: Bill batchSaved bill billOf billed bound byKind format kinds of saved sum
      Mcp: ConnectOptions HttpOptions McpUnavailable ServerTool ServerToolkit ToolkitOptions http merge stdio toolkit
      Models: List Listed lookup refresh
      Redact: Options Redact Redactor exit make redact
      Reply: Message Origin Reply ReplyFacts discard isBilled isEmulated isMessage text textLength
      Request: Defaults Prompt Request canonical fill hash mutatesServerState resolve
      StreamEvent: Accumulator StreamEvent StreamStart accumulator definedOnly fromMessage isContent text
      TokenEstimate: bound of ofSchema
      Transport: Dispatching Fetch Transport globalFetch patientDispatcher
      Usage: ApiTokens ApiUsage Besides Tokens Usage billed fromMessage sum totalInput zero
      Claude: BatchesStackOptions Claude DeepPartial Defaults Message ObjectEvent ObjectOptions ObjectReply ObjectToolsOptions ObjectToolsReply Origin Prompt Reply Request StackOptions StreamElementsOptions StreamEvent StreamObjectOptions StreamStart TextReply Timeouts ToolsError ToolsOptions ToolsReply countTokens create generateObject generateText generateWithTools layer layerConfig stack stream streamElements streamObject streamText streamWithTools wrap
      Conversation: Compact Content Conversation ConversationChanged ConversationExists ConversationStoreFailed ConversationUnreadable HistoryInvalid Input Message Options Settings StoreError Trim fork fromMessages generateObject generateText generateWithTools make open persist streamElements streamObject streamText streamWithTools undo
      Tools: Decision Element Limits Replay Timeout ToolCall ToolLimitReached ToolResult codeExecution webFetch webSearch
      LanguageModel: Settings claudeError layer make model
      Batch: Finished Options fanOut map stream
      Dataset: Compression CompressionFailed CompressionKind Dataset DatasetFailed EncodedPage Form OpenSource Place Row RowInvalid Source Sources Valid Writer at columns decodeForm fromFile fromFiles fromIterable sourceOf withFiles write writeLines
      DurableCalls: DurableCalls Options layer policy
      Job: ColumnTaken Confirm Declaration DestinationTaken Job JobBroken JobChanged JobDeclined JobHopeless JobLayerFailed JobNeeds KeepInput Proposal Provided RunOptions Summary claude isJob make run shape
      Journal: BatchInProgress Billed Chunk ChunkRow Chunks Claim Command Control Controls Counts Ending FailedRow JobLimits JobNotSubmitted Journal JournalFailed JournalForeign JournalInUse JournalMixed JournalTooNew JournalTooOld KeyedReplies LostAttempt Minute Options Outcome PendingRow Row RowCounts RowWithInput RunTotals SampledRow Sender Settings Shared Source Spending State StoredCall StoredMinute StoredSettings Taken Total Totals WantedCall Which Worker WorkerStop forget keyedReplies layer layerWorker requestText states workerRuns
      Progress: Progress age bar batchLines batches binds cost costLines counted empty ended fallbacks hedges invalidOutputs line promptCache replays responseCache rowsLine tick tokens update
      Report: Durations Latency Money Options Problems Report Row Rows Run Saved Series Step Worker encodeJson of others
      Score: Accuracy Given Pair Preference Score Scored Scorer accuracy byField exact fields includes judge judgeStep normalize numeric of prefer
      Step: Shape Step all andThen around draw each make map object text version withInput
      StepActivity: Options make
      Budget: Amount Budget Caps from make policy raise
      Concurrency: Concurrency make policy resize
      Fallback: On Options Target policy reasons
      Hedge: Options policy
      Logging: policy
      MessageBatches: MessageBatches Options Running cancelAll make policy running
      PromptCache: Options PolicyOptions place policy
      RateLimit: Options RateLimit Shared SharedOptions Utilisation make policy redis
      ResponseCache: Mode Options Target bypass invalidate layerMemory layerRedis layerSql policy readOnly refresh
      Retry: RetrySchedule policy schedule
      Telemetry: Options Spans layerSpans policy waterfall"
    `)
  })

  it("of effect-claude/testing", () => {
    expect(namesOf("src/testing/index.ts")).toMatchInlineSnapshot(`
      "Cassette: CassetteFailed Options layer transport
      Emulator: Emulator Fault Faults FaultsFromString Kind LedgerEntry Limits Options Reply Request Rule Script ServerOptions inBatch layer layerServer transport
      TestClaude: Answer Fields Given Reply Rule TestClaude arbitrary calls layer message object promptText prompts toolCall when"
    `)
  })

  it("of effect-claude/node", () => {
    expect(namesOf("src/run/index.ts")).toMatchInlineSnapshot(
      `
      "Cluster: Ended Progress Servers Submission SubmitOptions WorkOptions forget submit watch work write
      Http: text toResponse
      NodeCompression: layer
      NodeSources: layer
      NodeTransport: Options ProxyInvalid layer
      Sqlite: Holder SqliteFailed SqliteInUse holder layer layerBeside layerMemory layerReader query"
    `
    )
  })
})

// Builders

/** The namespaces of an entry point, a line each: the values and types that they export. */
const namesOf = (entry: string): string =>
  Array.from(
    read(entry).matchAll(/^export \* as (\w+) from "([^"]+)"$/gm),
    ([, namespace, file = ""]) => `${namespace}: ${exportsOf(join(dirname(entry), file)).join(" ")}`
  ).join("\n")

const exportsOf = (file: string): ReadonlyArray<string> => {
  const source = read(file)
  const own = source.matchAll(/^export (?:abstract )?(?:const|class|function|interface|type|enum) (\w+)/gm)
  const handedOn = Array.from(source.matchAll(/^export (?:type )?\{([^}]*)\}/gm), ([, names = ""]) => names.split(","))
  const names = [
    ...Array.from(own, ([, name = ""]) => name),
    ...handedOn.flat().map((name) =>
      name
        .replace(/^.* as /, "")
        .replace(/^\s*type /, "")
        .trim()
    )
  ]
  return [...new Set(names)].filter((name) => name !== "").toSorted()
}

const read = (file: string) => readFileSync(join(import.meta.dirname, "..", file), "utf8")
