import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Yaml } from "effect/encoding"
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import * as GracefulStop from "../../src/run/GracefulStop.ts"
import { folder } from "../run/cli.ts"
import { problemOf } from "./commands.ts"

const manifests = "docs/deploy/kubernetes"

/** Where the types of Kubernetes have each kind. */
const modules: Readonly<Record<string, string>> = {
  ConfigMap: "core/v1",
  Deployment: "apps/v1",
  Job: "batch/v1",
  NetworkPolicy: "networking/v1",
  PersistentVolumeClaim: "core/v1",
  Pod: "core/v1",
  PodDisruptionBudget: "policy/v1"
}

describe("the manifests of Kubernetes", () => {
  it("have the types of its API, and a field that does not exist is noticed", () => {
    const files = readdirSync(manifests)
    const broken = [
      change("workers.yaml", "periodSeconds", "periodSecond"),
      change("workers.yaml", "replicas: 4", 'replicas: "4"'),
      change("submit.yaml", "backoffLimit", "backOffLimit"),
      change("disruption.yaml", "maxUnavailable", "maxUnavailables")
    ]
    const wrong = typeErrors([...files.map((name) => [name, read(name)] as const), ...broken])
    assert.deepStrictEqual(
      wrong,
      broken.map(([name]) => name)
    )
  })

  it("run commands that exist", async () => {
    const commands = ["workers.yaml", "submit.yaml"].flatMap((name) =>
      workload(name).spec.template.spec.containers.map(({ args = [] }) =>
        args.map((word) => word.replace(/\$\((\w+)\)/g, (_, name) => variables[name] ?? "missing"))
      )
    )
    assert.notInclude(commands.flat(), "missing")
    assert.deepStrictEqual(await Promise.all(commands.map(problemOf)), [undefined, undefined])
  })

  it("give a worker more time to stop than its calls in flight get", () => {
    const { terminationGracePeriodSeconds } = workload("workers.yaml").spec.template.spec
    assert.isAbove(terminationGracePeriodSeconds ?? 0, Number(GracefulStop.grace.replace(" seconds", "")))
  })

  it("probe and scrape the port of --health-port, by its name", () => {
    const { metadata, spec } = workload("workers.yaml").spec.template
    const [worker] = spec.containers
    const port = worker?.args?.[worker.args.indexOf("--health-port") + 1]
    assert.deepStrictEqual(worker?.ports, [{ name: "health", containerPort: Number(port) }])
    assert.strictEqual(metadata.annotations?.["prometheus.io/port"], port)
    for (const probe of [worker?.startupProbe, worker?.livenessProbe, worker?.readinessProbe]) {
      assert.strictEqual(probe?.httpGet.port, "health")
    }
  })

  it("select the pods that they make", () => {
    const labels = workload("workers.yaml").spec.template.metadata.labels
    for (const name of ["workers.yaml", "disruption.yaml"]) {
      assert.deepStrictEqual(decodeSelector(Yaml.parse(read(name))).spec.selector.matchLabels, labels)
    }
  })
})

// Builders

const read = (name: string) => readFileSync(join(manifests, name), "utf8")

const change = (name: string, right: string, wrong: string) => {
  assert.include(read(name), right)
  return [`${wrong} in ${name}`, read(name).replace(right, wrong)] as const
}

const Typed = Schema.Struct({ kind: Schema.String })

/** The names of the manifests that do not have the type of their kind: each is checked as an object literal. */
const typeErrors = (files: ReadonlyArray<readonly [name: string, text: string]>): ReadonlyArray<string> => {
  const program = join(folder(0).path, "manifests.ts")
  const lines = files.map(([, text]) => {
    const manifest = Yaml.parse(text)
    const { kind } = Schema.decodeUnknownSync(Typed)(manifest)
    const module = resolve("node_modules/kubernetes-types", modules[kind] ?? kind)
    return `export const _${crypto.randomUUID().replaceAll("-", "")}: import("${module}").${kind} = ${JSON.stringify(manifest)}`
  })
  writeFileSync(program, lines.join("\n"))
  const flags = ["--noEmit", "--strict", "--pretty", "false", "--ignoreConfig"]
  const { stdout } = spawnSync(resolve("node_modules/.bin/tsc"), [...flags, program], { encoding: "utf8" })
  const wrong = new Set(Array.from(stdout.matchAll(/manifests\.ts\((\d+),/g), ([, line]) => Number(line)))
  return files.flatMap(([name], index) => (wrong.has(index + 1) ? [name] : []))
}

const Probe = Schema.Struct({ httpGet: Schema.Struct({ path: Schema.String, port: Schema.String }) })

const Container = Schema.Struct({
  name: Schema.String,
  args: Schema.optional(Schema.Array(Schema.String)),
  ports: Schema.optional(Schema.Array(Schema.Struct({ name: Schema.String, containerPort: Schema.Int }))),
  startupProbe: Schema.optional(Probe),
  livenessProbe: Schema.optional(Probe),
  readinessProbe: Schema.optional(Probe)
})

const Labels = Schema.Record(Schema.String, Schema.String)

const decodeWorkload = Schema.decodeUnknownSync(
  Schema.Struct({
    spec: Schema.Struct({
      template: Schema.Struct({
        metadata: Schema.Struct({ labels: Labels, annotations: Schema.optional(Labels) }),
        spec: Schema.Struct({
          terminationGracePeriodSeconds: Schema.optional(Schema.Int),
          containers: Schema.Array(Container)
        })
      })
    })
  })
)

const decodeSelector = Schema.decodeUnknownSync(
  Schema.Struct({ spec: Schema.Struct({ selector: Schema.Struct({ matchLabels: Labels }) }) })
)

const workload = (name: string) => decodeWorkload(Yaml.parse(read(name)))

const variables = Schema.decodeUnknownSync(Schema.Struct({ data: Labels }))(Yaml.parse(read("configmap.yaml"))).data
