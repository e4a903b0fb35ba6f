/** withoutMark skips a byte order mark: JSON may begin with one (RFC 8259 §8.1), and so may a stream of events (HTML §9.2.5). */
export const withoutMark = (bytes: Buffer): Buffer =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes
