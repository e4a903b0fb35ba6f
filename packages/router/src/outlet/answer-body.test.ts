import { heldBytes } from '@mcp-router/testkit/memory'
import { expect, it } from 'vitest'
import { AnswerBody } from './answer-body.js'
import { createLongAnswers } from './long-answers.js'

it('holds a small multiple of the bytes, however small the chunks are', async () => {
  const count = 1_000_000
  const longAnswers = createLongAnswers(count)
  const held = await heldBytes(() => {
    const body = new AnswerBody()
    for (let n = 0; n < count; n++) body.push(Buffer.of(0x20), longAnswers)
    return body
  })
  expect(held).toBeLessThan(4 * count)
})
