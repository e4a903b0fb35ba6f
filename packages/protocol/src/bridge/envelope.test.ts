import { describe, expect, it } from 'vitest'
import { envelopeFault } from '../modern/envelope.js'
import { legacyParams, modernParams } from './envelope.js'

const version = 'io.modelcontextprotocol/protocolVersion'
const capabilities = 'io.modelcontextprotocol/clientCapabilities'
const clientInfo = 'io.modelcontextprotocol/clientInfo'
const logLevel = 'io.modelcontextprotocol/logLevel'

const client = { name: 'c', version: '1', title: 'C' }
const face = { capabilities: { roots: {} }, clientInfo: client, logLevel: 'info' }
const nobody = { capabilities: {}, clientInfo: undefined, logLevel: undefined }

describe('modernParams', () => {
  it('says with every request who the client is and what it can', () => {
    expect(modernParams({ name: 'n', arguments: { a: 1 }, other: 2 }, face)).toEqual({
      name: 'n',
      arguments: { a: 1 },
      other: 2,
      _meta: {
        [version]: '2026-07-28',
        [capabilities]: { roots: {} },
        [clientInfo]: client,
        [logLevel]: 'info',
      },
    })
  })

  it('says nothing of what it does not know', () => {
    expect(modernParams(undefined, nobody)).toEqual({
      _meta: { [version]: '2026-07-28', [capabilities]: {} },
    })
  })

  it('keeps progress token, trace context and unknown members', () => {
    const _meta = { progressToken: 7, traceparent: '00-a-b-01', 'example.com/x': { y: 1 } }
    expect(modernParams({ _meta }, nobody)._meta).toMatchObject(_meta)
  })

  it('does not let a client speak for itself under the reserved keys', () => {
    const _meta = { [version]: '2099-01-01', [capabilities]: { sampling: {} }, [logLevel]: 'debug' }
    expect(modernParams({ _meta }, nobody)._meta).toEqual({
      [version]: '2026-07-28',
      [capabilities]: {},
    })
  })

  it('drops the wish for a task', () => {
    expect(modernParams({ name: 'n', task: { ttl: 1 } }, nobody)).not.toHaveProperty('task')
  })

  it.each([[{ name: 'c' }], [{ name: 1, version: '1' }], [{}]])(
    'keeps back a clientInfo that servers must refuse: %j',
    (told) => {
      const { _meta } = modernParams(undefined, { ...face, clientInfo: told })
      expect(envelopeFault(_meta as Record<string, unknown>)).toBeUndefined()
      expect(_meta).not.toHaveProperty([clientInfo])
    },
  )

  it.each([[null], ['text'], [[1]]])('survives a _meta that is none: %j', (_meta) => {
    expect(modernParams({ _meta }, nobody)._meta).toEqual({
      [version]: '2026-07-28',
      [capabilities]: {},
    })
  })

  it('leaves what it was given as it was', () => {
    const params = { task: {}, _meta: { progressToken: 1 } }
    modernParams(params, face)
    expect(params).toEqual({ task: {}, _meta: { progressToken: 1 } })
  })
})

describe('legacyParams', () => {
  it('takes the envelope off and leaves the rest', () => {
    const params = {
      name: 'n',
      arguments: { requestState: 'of the tool' },
      inputResponses: { a: {} },
      requestState: 's',
      _meta: {
        [version]: '2026-07-28',
        [capabilities]: {},
        [clientInfo]: client,
        [logLevel]: 'info',
        progressToken: 'p',
        traceparent: '00-a-b-01',
      },
    }
    expect(legacyParams(params)).toEqual({
      name: 'n',
      arguments: { requestState: 'of the tool' },
      _meta: { progressToken: 'p', traceparent: '00-a-b-01' },
    })
  })

  it('leaves no empty _meta behind', () => {
    expect(legacyParams(modernParams({ uri: 'u' }, face))).toEqual({ uri: 'u' })
  })

  it('leaves no empty params behind', () => {
    expect(legacyParams(modernParams(undefined, face))).toBeUndefined()
    expect(legacyParams(undefined)).toBeUndefined()
  })

  it('gives back what modernParams was given', () => {
    const params = { cursor: 'c', _meta: { progressToken: 3, 'example.com/x': null } }
    expect(legacyParams(modernParams(params, face))).toEqual(params)
  })
})
