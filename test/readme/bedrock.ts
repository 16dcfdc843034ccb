import { AnthropicBedrock } from "@anthropic-ai/bedrock-sdk" // or AnthropicVertex, AnthropicFoundry, AnthropicAws
import { Layer } from "effect"
import { AnthropicClient, Claude } from "effect-claude"

export const live = Claude.layer.pipe(
  Layer.provide(AnthropicClient.layerFrom(new AnthropicBedrock({ awsRegion: "us-east-1" }))),
  Claude.stack()
)
