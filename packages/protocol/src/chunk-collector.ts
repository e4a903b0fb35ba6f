const nothing = Buffer.alloc(0)

/** The first room that is made for more than one chunk, bytes. */
const leastRoom = 1_024

/**
 * ChunkCollector joins chunks as they come. One alone is handed out as it is; more are copied into one buffer that doubles, so that what
 * is held is in proportion to the bytes: a Buffer object takes about 200 of them, and a chunk may be one.
 */
export class ChunkCollector {
  /** How much is held. */
  bytes = 0
  private held: Buffer = nothing
  /** `held` is a buffer of our own, with room; not a chunk. */
  private isOwn = false

  push(chunk: Buffer): void {
    const at = this.bytes
    if (chunk.length === 0) return
    this.bytes += chunk.length
    if (at === 0) {
      this.held = chunk
      return
    }
    if (!this.isOwn || this.bytes > this.held.length) this.makeRoom(at)
    this.held.set(chunk, at)
  }

  /** take returns what is held and resets the collector. */
  take(): Buffer {
    const whole = this.isOwn ? this.held.subarray(0, this.bytes) : this.held
    this.held = nothing
    this.isOwn = false
    this.bytes = 0
    return whole
  }

  private makeRoom(used: number): void {
    const room = Buffer.allocUnsafeSlow(Math.max(leastRoom, 2 * used, this.bytes))
    room.set(this.held.subarray(0, used))
    this.held = room
    this.isOwn = true
  }
}
