import type { Callback, Redis } from 'ioredis'
import { databaseProblem } from './advice.js'

/**
 * inOwnDatabase keeps a client out of every database but that of its options. ioredis goes on in database 0 when Redis refuses SELECT: there
 * is none of that number, or the user may not. Here its ready check, which is INFO, fails instead, so that no command is sent, and it
 * connects again, as it does after a wrong password.
 */
export const inOwnDatabase = (client: Redis): Redis => {
  const select = client.select.bind(client)
  const info = client.info.bind(client)
  let selected: Promise<unknown> = Promise.resolve()
  return Object.assign(client, {
    // Called once for every connection, before its ready check.
    select(index: number | string) {
      selected = select(index).catch((error: unknown) => {
        throw explained(error, index)
      })
      return selected
    },
    info: (callback: Callback<string>) => selected.then(() => info(callback), callback),
  })
}

/** The ready check lets a NOPERM pass, as one about INFO: the code is left out. What else ended the connection is told as it is. */
const explained = (error: unknown, index: number | string): unknown => {
  if (!(error instanceof Error) || !isOfSelect(error)) return error
  return new Error(databaseProblem(index, error.message))
}

/** ioredis hangs the command on the error that answered it. */
const isOfSelect = (error: Error & { readonly command?: { readonly name?: string } }): boolean =>
  error.command?.name === 'select'
