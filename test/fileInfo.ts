import { ByteSize, Option, type FileSystem } from "effect"

const none = Option.none()

/** What a file system says of a file. */
export const fileInfo = (type: FileSystem.File.Type, size: number): FileSystem.File.Info => ({
  type,
  size: ByteSize.bytes(size),
  mtime: none,
  atime: none,
  birthtime: none,
  dev: 0n,
  ino: none,
  mode: 0,
  nlink: none,
  uid: none,
  gid: none,
  rdev: none,
  blksize: none,
  blocks: none
})
