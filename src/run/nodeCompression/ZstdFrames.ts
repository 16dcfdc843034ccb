/**
 * Finds the frames in the bytes of a zstd file, by their headers and the headers of their blocks (RFC 8878). Node's decompressor
 * ends after the first frame, without an error, so each frame needs a decompressor for itself.
 */

/** Bytes of a frame. Skippable frames have no parts. */
export interface Part {
  readonly bytes: Uint8Array
  /** Whether the frame ends here. */
  readonly isLast: boolean
}

/** Bytes that are no zstd file. */
export class ZstdInvalid extends Error {}

/** The bytes that come next: a header, which is gathered, or content. The bytes of a skippable frame are dropped. */
interface Need {
  readonly of: "header" | "content" | "skipped header" | "skipped content"
  readonly size: number
  readonly next: (header: Uint8Array) => Need
}

/** Walks through the bytes of a file, however they are cut into chunks. `end` throws if the file was cut off. */
export const walk = () => {
  let need: Need = firstFrame
  let missing = need.size
  let gathered: Array<number> = []
  const take = (chunk: Uint8Array): ReadonlyArray<Part> => {
    const parts: Array<Part> = []
    const pass = (bytes: Uint8Array) => parts.push({ bytes, isLast: false })
    let rest = chunk
    while (rest.length > 0) {
      const bytes = rest.subarray(0, missing)
      rest = rest.subarray(bytes.length)
      missing -= bytes.length
      if (need.of === "content" && bytes.length > 0) pass(bytes)
      if (need.of.endsWith("header")) gathered.push(...bytes)
      while (missing === 0) {
        const header = Uint8Array.from(gathered)
        const done = need
        need = need.next(header)
        if (done.of === "header" && !need.of.startsWith("skipped")) pass(header)
        if (need === nextFrame && !done.of.startsWith("skipped")) parts.push({ ...(parts.pop() ?? none), isLast: true })
        missing = need.size
        gathered = []
      }
    }
    return parts
  }
  const end = () => {
    if (!(need === nextFrame && missing === need.size)) throw new ZstdInvalid(truncated)
  }
  return { take, end }
}

/** What a file that was cut off lacks, for gzip too. */
export const truncated = "its last bytes are missing, so it was cut off; fetch it or make it again"

const none = { bytes: new Uint8Array() }

const frame = (problem: string): Need => ({
  of: "header",
  size: 4,
  next: (header) => {
    const magic = numberOf(header)
    if (magic === 0xfd2fb528) return descriptor
    if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) return skippable
    throw new ZstdInvalid(problem)
  }
})

const firstFrame = frame("this is no zstd, in spite of its ending; rename it")
const nextFrame = frame("it has other bytes after its last frame; remove them, or make it again")

const skippable: Need = {
  of: "skipped header",
  size: 4,
  next: (header) => ({ of: "skipped content", size: numberOf(header), next: () => nextFrame })
}

const descriptor: Need = {
  of: "header",
  size: 1,
  next: ([bits = 0]) => {
    const isSingle = (bits & 0x20) !== 0
    const sizes = [isSingle ? 1 : 0, 2, 4, 8][bits >> 6] ?? 0
    const dictionary = [0, 1, 2, 4][bits & 3] ?? 0
    const block = blockOf((bits & 4) !== 0)
    return { of: "header", size: sizes + dictionary + (isSingle ? 0 : 1), next: () => block }
  }
}

/** A block, the blocks after it, and the checksum of the frame, if it has one. */
const blockOf = (hasChecksum: boolean): Need => {
  const end: Need = hasChecksum ? { of: "content", size: 4, next: () => nextFrame } : nextFrame
  const block: Need = {
    of: "header",
    size: 3,
    next: (header) => {
      const bits = numberOf(header)
      const isRepeated = ((bits >> 1) & 3) === 1
      return { of: "content", size: isRepeated ? 1 : bits >> 3, next: () => ((bits & 1) === 1 ? end : block) }
    }
  }
  return block
}

/** A number of up to four bytes, the lowest first. */
const numberOf = (bytes: Uint8Array) => bytes.reduceRight((number, byte) => number * 256 + byte, 0)
