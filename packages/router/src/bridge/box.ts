import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Box makes texts that clients keep for the router and that only the cluster can read: encrypted and authenticated (AES-256-GCM), in base64url. */
export interface Box {
  /** `bound` is what the text is good for: it opens under the same bytes only. */
  seal(text: string, bound: Buffer): string
  /** Undefined: altered, foreign, or bound to something else. */
  open(sealed: string, bound: Buffer): string | undefined
}

const nonceBytes = 12
const tagBytes = 16

/** createBox derives its key from the cluster secret, so that any Instance opens what another sealed for the same purpose. */
export const createBox = (clusterSecret: string, purpose: string): Box => {
  const key = Buffer.from(hkdfSync('sha256', clusterSecret, '', `mcp-router ${purpose}`, 32))
  return {
    seal(text, bound) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(bound)
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([sealed, cipher.getAuthTag()]).toString('base64url')
    },
    open(sealed, bound) {
      const bytes = Buffer.from(sealed, 'base64url')
      // Base64 has many spellings of the same bytes: only our own counts.
      if (bytes.toString('base64url') !== sealed) return undefined
      if (bytes.length < nonceBytes + tagBytes) return undefined
      try {
        const cipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
        cipher.setAAD(bound).setAuthTag(bytes.subarray(-tagBytes))
        const text = cipher.update(bytes.subarray(nonceBytes, -tagBytes), undefined, 'utf8')
        return text + cipher.final('utf8')
      } catch {
        return undefined
      }
    },
  }
}
