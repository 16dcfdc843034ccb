/**
 * CPU time and memory of processes, from `/proc`. Times are in milliseconds; the system counts in steps of 10 ms.
 */
import { readdirSync, readFileSync } from "node:fs"

/** The fields of `/proc/PID/stat` after the name of the program, from the third on; undefined if the process has ended. */
const statOf = (pid: number | string): ReadonlyArray<string> | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8")
    return text.slice(text.lastIndexOf(")") + 2).split(" ")
  } catch {
    return undefined
  }
}

const sum = (fields: ReadonlyArray<string | undefined>) =>
  fields.reduce((sum, field) => sum + 10 * Number(field ?? 0), 0)

/** User and system time of a process; 0 if it has ended. */
export const of = (pid: number): number => sum(statOf(pid)?.slice(11, 13) ?? [])

/** The same with its children, also the ended ones. */
export const ofFamily = (pid: number): number => {
  const children = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && statOf(name)?.[1] === String(pid))
  return sum(statOf(pid)?.slice(11, 15) ?? []) + children.reduce((all, child) => all + of(Number(child)), 0)
}

/** The share of the machine's CPU time between two readings that was idle. */
export const idle = () => {
  const read = () => (readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "").split(/\s+/).slice(1).map(Number)
  const before = read()
  return () => {
    const spent = read().map((value, index) => value - (before[index] ?? 0))
    return ((spent[3] ?? 0) + (spent[4] ?? 0)) / spent.slice(0, 8).reduce((all, value) => all + value, 0)
  }
}

/** Resident memory of a process in MB, now and at most. */
export const memory = (pid: number): { readonly now: number; readonly most: number } => {
  const text = readFileSync(`/proc/${pid}/status`, "utf8")
  const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1] ?? NaN) / 1024
  return { now: field("VmRSS"), most: field("VmHWM") }
}
