import type { Tour } from './tour.js'

const data = 'data:text/plain,proof'
const textOf = (n: number): string => `demo://resource/dynamic/text/${n}`

/** The reference server: it asks for the roots by itself, a moment after the handshake, and logs that it has them. */
export const everythingTour: Tour = {
  tools: {
    echo: [{ message: 'hello' }, { message: 'ü\n€' }, {}],
    'get-annotated-message': [{ messageType: 'error', includeImage: true }],
    'get-env': [{}],
    'get-resource-links': [{ count: 3 }],
    'get-resource-reference': [{ resourceType: 'Text', resourceId: 2 }, { resourceId: -1 }],
    'get-roots-list': [{}],
    'get-structured-content': [{ location: 'Chicago' }],
    'get-sum': [{ a: 2, b: 3 }],
    'get-tiny-image': [{}],
    'gzip-file-as-resource': [
      { name: 'proof.gz', data, outputType: 'resource' },
      { name: 'link.gz', data, outputType: 'resourceLink' },
    ],
    'toggle-simulated-logging': [{}, {}],
    'toggle-subscriber-updates': [{}, {}],
    'trigger-elicitation-request': [{}],
    'trigger-elicitation-request-async': [{}],
    'trigger-long-running-operation': [{ duration: 0.4, steps: 4 }],
    'trigger-sampling-request': [{ prompt: 'proof', maxTokens: 10 }],
    'trigger-sampling-request-async': [{ prompt: 'proof', maxTokens: 10 }],
    'trigger-url-elicitation': [
      { url: 'https://example.com/', message: 'go', elicitationId: 'proof' },
      { url: 'https://example.com/', message: 'go', elicitationId: 'other', errorPath: true },
    ],
  },
  tasks: { 'simulate-research-query': { topic: 'python', ambiguous: true } },
  prompts: {
    'simple-prompt': {},
    'args-prompt': { city: 'Paris', state: 'Texas' },
    'completable-prompt': { department: 'Sales', name: 'Eve' },
    'resource-prompt': { resourceType: 'Text', resourceId: '1' },
    'no-such-prompt': {},
  },
  completions: [
    ['completable-prompt', 'department', 'S'],
    ['resource-prompt', 'resourceType', ''],
  ],
  resources: [textOf(1), 'demo://resource/dynamic/blob/2', 'demo://nowhere'],
  subscription: textOf(1),
  hasLogging: true,
  settled: ({ notifications }) => JSON.stringify(notifications).includes('Roots updated'),
}

export const exampleTour: Tour = {
  tools: {
    echo: [{ text: 'hello' }, { text: 'ü\n€' }, {}],
    add: [{ a: 1, b: 2 }, { a: 'one' }],
    get_weather: [{ city: 'Oslo' }],
    slow: [{ seconds: 0.3, steps: 3 }],
    ask_user: [{ question: 'What?' }],
    summarize: [{ text: 'a long text' }],
    list_roots: [{}],
    log: [{ message: 'proof', level: 'warning' }],
    write_note: [
      { name: 'welcome', text: 'changed' },
      { name: 'new', text: 'made' },
    ],
  },
  tasks: {},
  prompts: { greeting: { name: 'Ada', tone: 'short' } },
  completions: [['greeting', 'tone', 'f']],
  resources: ['note://new', 'note://nowhere'],
  subscription: 'note://welcome',
  hasLogging: true,
  settled: () => true,
}

export const statelessTour: Tour = {
  tools: { echo: [{ text: 'hello' }], count: [{ to: 3 }] },
  tasks: {},
  prompts: {},
  completions: [],
  resources: [],
  subscription: undefined,
  hasLogging: false,
  settled: () => true,
}
