/** LongAnswers bounds what the Relays of an Instance hold of answers that are long, until it is known whose they are and their clients have them. */
export interface LongAnswers {
  /** False: they hold so much already that these bytes do not fit. */
  take(bytes: number): boolean
  release(bytes: number): void
}

/** So many of the longest answers that are taken fit at once. */
const most = 4

export const createLongAnswers = (maxResponseBytes: number): LongAnswers => {
  let left = most * maxResponseBytes
  return {
    take(bytes) {
      if (bytes > left) return false
      left -= bytes
      return true
    },
    release(bytes) {
      left += bytes
    },
  }
}
