import type { EdgeResponse } from './edge.js'

/** Writing is how everything here writes a response: heads as flat lists, bodies as bytes. */
interface Writing {
  readonly writeHead: (status: number, head: readonly string[]) => EdgeResponse
  readonly write: (bytes: Buffer) => boolean
  readonly end: (bytes?: Buffer) => EdgeResponse
}

/** Own is how a response writes by itself. */
export interface Own extends Writing {
  /** Makes the response write as it did before. */
  readonly restore: () => void
}

const replaced = ['writeHead', 'write', 'end', 'flushHeaders'] as const

/** ownOf takes hold of that, before it is replaced. */
export const ownOf = (res: EdgeResponse): Own => ({
  writeHead: (status, head) => {
    restore(res)
    return res.writeHead(status, [...head])
  },
  write: (bytes) => {
    restore(res)
    return res.write(bytes)
  },
  end: (bytes) => {
    restore(res)
    return res.end(bytes)
  },
  restore: () => restore(res),
})

const restore = (res: EdgeResponse): void => {
  for (const name of replaced) Reflect.deleteProperty(res, name)
}

/** replaceWriting has a response written in another way from now on. */
export const replaceWriting = (res: EdgeResponse, writing: Writing): void => {
  const bytesOf = (chunk: unknown, encoding: unknown): Buffer | undefined => {
    if (Buffer.isBuffer(chunk)) return chunk
    if (typeof chunk !== 'string') return undefined
    return Buffer.from(chunk, encoding === 'latin1' ? 'latin1' : 'utf8')
  }
  Object.assign(res, {
    writeHead: (status: number, head: readonly string[]) => writing.writeHead(status, head),
    write: (chunk: unknown, encoding: unknown) =>
      writing.write(bytesOf(chunk, encoding) ?? Buffer.alloc(0)),
    end: (chunk: unknown, encoding: unknown) => writing.end(bytesOf(chunk, encoding)),
    flushHeaders: () => undefined,
  })
}
