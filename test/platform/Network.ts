/**
 * Network namespaces, each with a link to this machine. A cut drops packets without a notice, so that connections stay half
 * open. It needs root, `ip` and `iptables` (Debian: iproute2, iptables).
 */
import { type Cleanup, run } from "./Commands.ts"

export interface Namespace {
  readonly name: string
  /** The address of the namespace. */
  readonly address: string
  /** The address of this machine, as seen from the namespace. */
  readonly host: string
  /** What starts a program in the namespace. */
  readonly within: ReadonlyArray<string>
  /** Drops all packets from and to a port of this machine, until `heal`. */
  readonly cut: (port: number) => Promise<void>
  readonly heal: () => Promise<void>
}

/** Makes a namespace; its number makes its addresses. */
export const make = async (cleanup: Cleanup, number: number): Promise<Namespace> => {
  const name = `ec${process.pid}-${number}`
  const link = `ec${process.pid % 100_000}v${number}`
  const subnet = `10.${200 + (process.pid % 50)}.${number}`
  const ip = async (...args: ReadonlyArray<string>) => void (await run("ip", args))
  await ip("netns", "add", name)
  cleanup.add(() => ip("netns", "del", name))
  await ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
  await ip("addr", "add", `${subnet}.1/24`, "dev", link)
  await ip("link", "set", link, "up")
  await ip("netns", "exec", name, "ip", "addr", "add", `${subnet}.2/24`, "dev", "eth0")
  await ip("netns", "exec", name, "ip", "link", "set", "eth0", "up")
  await ip("netns", "exec", name, "ip", "link", "set", "lo", "up")
  const rule = async (...args: ReadonlyArray<string>) => await ip("netns", "exec", name, "iptables", ...args)
  return {
    name,
    address: `${subnet}.2`,
    host: `${subnet}.1`,
    within: ["ip", "netns", "exec", name],
    cut: async (port) => {
      await rule("-A", "OUTPUT", "-p", "tcp", "--dport", String(port), "-j", "DROP")
      await rule("-A", "INPUT", "-p", "tcp", "--sport", String(port), "-j", "DROP")
    },
    heal: async () => await rule("-F")
  }
}
