/**
 * Runs the named examples one after another in one process, because most of the time of an example is its start. Each
 * begins when the one before has left nothing to wait for. A zero byte separates their outputs.
 */
const names = process.argv.slice(2)
let next = 0

process.on("beforeExit", async () => {
  const name = names[next]
  if (name === undefined) return
  if (next > 0) process.stdout.write("\0")
  next += 1
  // The query makes an example run again.
  await import(`../examples/${name}.ts?${next}`)
})
