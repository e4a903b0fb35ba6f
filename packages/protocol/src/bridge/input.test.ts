import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it } from 'vitest'
import {
  inputRequired,
  legacyInputRequest,
  modernInputRequest,
  takesInput,
  urlInputRequests,
} from './input.js'

const form = {
  method: 'elicitation/create',
  params: { message: 'm', requestedSchema: { type: 'object', properties: {} } },
}
const url = {
  method: 'elicitation/create',
  params: { mode: 'url', message: 'm', url: 'https://a.b/c' },
}
const roots = { method: 'roots/list', params: {} }
const text = { type: 'text', text: 't' }
const sampling = {
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: text }], maxTokens: 10 },
}
const all = {
  elicitation: { form: {}, url: {} },
  sampling: { tools: {} },
  roots: {},
}

const asked = (request: typeof roots, capabilities: object, revision = '2025-11-25') =>
  legacyInputRequest(request, {
    revision,
    capabilities: { ...capabilities },
    elicitationId: 'e-1',
  })

describe('inputRequired', () => {
  const read = (result: object, method = 'tools/call') => inputRequired(method, { ...result })

  it.each([
    ['questions', { inputRequests: { f: form } }, { asked: [['f', form]], state: undefined }],
    ['a state', { requestState: '' }, { asked: [], state: '' }],
    [
      'a state, and no question',
      { inputRequests: {}, requestState: 's' },
      { asked: [], state: 's' },
    ],
    [
      'both',
      { inputRequests: { r: { method: 'roots/list' } }, requestState: 's' },
      { asked: [['r', roots]], state: 's' },
    ],
  ])('reads %s', (_, result, required) => {
    expect(read(result)).toEqual(required)
  })

  it.each([
    ['neither', {}],
    ['neither', { inputRequests: {} }],
    ['inputRequests are no object', { inputRequests: 'nonsense', requestState: 's' }],
    ['inputRequests are no object', { inputRequests: [form], requestState: 's' }],
    ['inputRequests are no object', { inputRequests: null, requestState: 's' }],
    ['no request', { inputRequests: { f: form, x: null } }],
    ['no request', { inputRequests: { x: 'roots/list' } }],
    ['no request', { inputRequests: { x: [form] } }],
    ['no request', { inputRequests: { x: { params: {} } } }],
    ['no request', { inputRequests: { x: { ...form, params: 'm' } } }],
    ['requestState is no string', { requestState: 7 }],
    ['requestState is no string', { inputRequests: { f: form }, requestState: null }],
  ])('says what is wrong: %s, at %j', (fault, result) => {
    expect(read(result)).toEqual({ fault: expect.stringContaining(fault) })
  })

  it('is for three methods only', () => {
    const wanted = ['tools/call', 'prompts/get', 'resources/read']
    expect(wanted.map(takesInput)).toEqual([true, true, true])
    const fault = 'input_required as the answer to tools/list'
    expect(read({ requestState: 's' }, 'tools/list')).toEqual({ fault })
  })
})

describe('legacyInputRequest', () => {
  it('asks for what the client can answer, in requests of its revision', () => {
    expect(asked(form, all)).toEqual(form)
    expect(asked(sampling, all)).toEqual(sampling)
    expect(asked(roots, all)).toEqual(roots)
    expect(ElicitRequestSchema.safeParse(asked(form, all)).success).toBe(true)
    expect(CreateMessageRequestSchema.safeParse(asked(sampling, all)).success).toBe(true)
    expect(ListRootsRequestSchema.safeParse(asked(roots, all)).success).toBe(true)
  })

  it('gives a URL the id that clients with sessions expect', () => {
    const request = asked(url, all)
    expect(request).toEqual({ ...url, params: { ...url.params, elicitationId: 'e-1' } })
    expect(ElicitRequestSchema.safeParse(request).success).toBe(true)
  })

  it.each([
    ['a URL before 2025-11-25', url, all, '2025-06-18'],
    ['a URL where only forms were declared', url, { elicitation: { form: {} } }, '2025-11-25'],
    ['a URL where no mode was declared', url, { elicitation: {} }, '2025-11-25'],
    ['a form before 2025-06-18', form, all, '2025-03-26'],
    ['a form where only URLs were declared', form, { elicitation: { url: {} } }, '2025-11-25'],
    ['a form where nothing was declared', form, {}, '2025-11-25'],
    ['a message where nothing was declared', sampling, {}, '2025-11-25'],
    ['roots where nothing was declared', roots, { sampling: {} }, '2025-11-25'],
    ['something else', { method: 'ping', params: {} }, all, '2025-11-25'],
  ])('cannot ask for %s', (_, request, capabilities, revision) => {
    expect(asked(request, capabilities, revision)).toBeUndefined()
  })

  it('takes elicitation without modes for forms', () => {
    expect(asked(form, { elicitation: {} }, '2025-06-18')).toEqual(form)
  })

  it.each([{ tools: [] }, { toolChoice: { mode: 'auto' } }])(
    'asks for a message with %j only where the client can',
    (more) => {
      const request = { ...sampling, params: { ...sampling.params, ...more } }
      expect(asked(request, all)).toEqual(request)
      expect(asked(request, { sampling: {} })).toBeUndefined()
      expect(asked(request, all, '2025-06-18')).toBeUndefined()
    },
  )

  it('writes one block of content a message where a revision knows no more', () => {
    const audio = { type: 'audio', data: '', mimeType: 'audio/wav' }
    const params = { messages: [{ role: 'user', content: [text, audio], x: 1 }], maxTokens: 1 }
    const request = { ...sampling, params }
    expect(asked(request, all)).toEqual(request)
    expect(asked(request, all, '2025-06-18')?.params.messages).toEqual([
      { role: 'user', content: text, x: 1 },
      { role: 'user', content: audio, x: 1 },
    ])
    expect(asked(request, all, '2024-11-05')?.params.messages).toMatchObject([
      { content: text },
      { content: { type: 'text', text: expect.stringContaining('Audio') } },
    ])
  })
})

describe('modernInputRequest', () => {
  it('leaves out what ties a request to a session', () => {
    const params = {
      ...url.params,
      elicitationId: 'e',
      task: { ttl: 1 },
      _meta: { progressToken: 1, 'example.com/x': 2 },
    }
    expect(modernInputRequest({ ...url, params })).toEqual({
      ...url,
      params: { ...url.params, _meta: { 'example.com/x': 2 } },
    })
  })

  it('leaves no empty _meta behind', () => {
    expect(modernInputRequest({ ...roots, params: { _meta: { progressToken: 1 } } })).toEqual(roots)
  })

  it('gives back what legacyInputRequest was given', () => {
    expect(modernInputRequest(asked(url, all)!)).toEqual(url)
  })
})

describe('urlInputRequests', () => {
  const error = (data: unknown, code = -32042) => ({ code, message: 'm', data })

  it('asks for every URL, without its id', () => {
    const modeless = { message: url.params.message, url: url.params.url }
    const elicitations = [{ ...url.params, elicitationId: 'e' }, modeless]
    expect(urlInputRequests(error({ elicitations }))).toEqual({ 'url-1': url, 'url-2': url })
  })

  it('passes over what is no URL', () => {
    const elicitations = [null, form.params, 'x', url.params]
    expect(urlInputRequests(error({ elicitations }))).toEqual({ 'url-1': url })
  })

  it.each([
    ['another code', error({ elicitations: [url.params] }, -32603)],
    ['no data', { code: -32042, message: 'm' }],
    ['an empty list', error({ elicitations: [] })],
    ['a list that is none', error({ elicitations: url.params })],
    ['nothing that is a URL', error({ elicitations: [form.params] })],
  ])('is not for an error with %s', (_, other) => {
    expect(urlInputRequests(other)).toBeUndefined()
  })
})
