import { expect } from 'vitest'

/** askedId matches the id that a client gets for this one of its server's. */
export const askedId = (id: string | number): string =>
  expect.stringMatching(
    new RegExp(`^mcp-router-asked~[0-9a-f]{12}~${JSON.stringify(id)}$`),
  ) as string
