import { longestMs, parseRedisUrl, reasonOf } from '@mcp-router/core'
import { isIP } from 'node:net'
import { z } from 'zod'
import { quoted } from './without-credentials.js'

// What a text may say, and what is made of it. Everything is text at first: environment variables
// are, and the servers file is read as text so that `TOKEN: 0123` stays what was written.

export const refuse = (context: z.RefinementCtx, message: string): never => {
  context.addIssue({ code: 'custom', message })
  return z.NEVER
}

export const wholeNumber = (from: number, to: number) =>
  z.string().transform((text, context) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= from && value <= to) return value
    return refuse(context, `${quoted(text)} is not a whole number from ${from} to ${to}`)
  })

export const decimal = (from: number, to: number, of = '') =>
  z.string().transform((text, context) => {
    const value = Number(text)
    if (/^[\d.]+$/.test(text) && value >= from && value <= to) return value
    return refuse(context, `${quoted(text)} is not a number${of} from ${from} to ${to}`)
  })

const commaSeparated = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
)

/** A password may hold a comma: then only the whole tells where it ends. */
const quotedOf = (items: readonly string[], item: string): string => {
  const whole = items.join(',')
  return quoted(/@|%40/.test(whole) ? whole : item)
}

const matching = (shape: RegExp, wanted: string) =>
  z.string().regex(shape, { error: ({ input }) => `${quoted(String(input))} is not ${wanted}` })

export const oneOf = <const Word extends string>(words: readonly Word[]) =>
  z.enum(words, {
    error: ({ input }) => `${quoted(String(input))} is not one of ${words.join(', ')}`,
  })

export const flag = oneOf(['true', 'false']).transform((text) => text === 'true')
export const port = wholeNumber(1, 65_535)
export const dayMs = 24 * 60 * 60 * 1000
export const milliseconds = wholeNumber(1, longestMs)
export const instanceId = matching(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/,
  'an instance id: letters, digits, ".", "_" and "-"',
)

export const hostName = z.string().transform((text, context) => {
  const bare = text.replace(/^\[(.*)\]$/, '$1')
  // A name that ends in a number is an address that was written wrong (WHATWG URL, 3.5).
  const isName = /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text) && !/\.\d+$/.test(text)
  if (isIP(bare) > 0 || isName) return bare
  return refuse(context, `${quoted(text)} is not a host name or an IP address`)
})

export const hostNames = commaSeparated.transform((names, context) => {
  // Compared as it is: of a pattern no Host is ever one.
  const pattern = names.find((name) => name.includes('*'))
  if (pattern !== undefined)
    return refuse(context, `${quotedOf(names, pattern)} is not a host name; write out each name`)
  const wrong = names.find((name) => /[/\s]|^[^[]*:/.test(name))
  if (wrong === undefined) return names.map((name) => name.toLowerCase())
  return refuse(
    context,
    `${quotedOf(names, wrong)} is not a host name; leave out the scheme and the port`,
  )
})

export const origins = commaSeparated.transform((texts, context) => {
  const wrong = texts.find((text) => !/^https?:\/\/[^/]+$/.test(text) || !URL.canParse(text))
  if (wrong === undefined) return texts.map((text) => new URL(text).origin)
  return refuse(context, `${quotedOf(texts, wrong)} is not an origin like https://app.example`)
})

export const proxies = commaSeparated.transform((texts, context) => {
  const wrong = texts.find((text) => text !== 'loopback' && !isSubnet(text))
  if (wrong === undefined) return texts
  return refuse(
    context,
    `${quotedOf(texts, wrong)} is not an address, a subnet like 10.0.0.0/8, or "loopback"`,
  )
})

const isSubnet = (text: string): boolean => {
  const [address = '', length, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bitsOf(family))
}

const bitsOf = (family: number): number => (family === 4 ? 32 : 128)

// The messages about these two leave out the value: it may hold a password.
export const redisUrl = z.string().superRefine((text, context) => {
  if (!/^(rediss?(\+sentinel|\+cluster)?:\/\/[^/]|unix:\/\/\/.)/.test(text)) {
    refuse(context, 'not a Redis address like redis://host:6379 or unix:///absolute/redis.sock')
    return
  }
  try {
    parseRedisUrl(text)
  } catch (error) {
    // The forms that it goes on to list look like a URL with a password.
    refuse(context, reasonOf(error).replace(/; write .*$/s, ''))
  }
})
export const token = z.string().regex(/^[\x21-\x7e]+$/, 'only visible ASCII characters, no spaces')
