import type { HttpHeaders } from './headers.js'

/** The most that the cookies of one session may take: they are in its record and in every request. */
const maxCookies = 50
const maxBytes = 8_192

/**
 * withCookies puts what an Endpoint sets into the cookies of its session, written as the Cookie header
 * that sends them back. They go to that Endpoint alone, so domain and path say nothing (RFC 6265 §5.3).
 * The same text comes back where nothing changed.
 */
export const withCookies = (cookies: string, headers: HttpHeaders): string => {
  const set = headers['set-cookie']
  if (set === undefined) return cookies
  const jar = new Map(pairsIn(cookies))
  for (const line of typeof set === 'string' ? [set] : set) take(jar, line)
  const kept = [...jar].slice(-maxCookies).map(([name, value]) => `${name}=${value}`)
  const text = kept.join('; ')
  return text.length > maxBytes ? cookies : text
}

/** namesOfCookies are what does not change while a load balancer renews its cookie with every answer. */
export const namesOfCookies = (cookies: string): string =>
  pairsIn(cookies)
    .map(([name]) => name)
    .join(' ')

const pairsIn = (cookies: string): readonly (readonly [string, string])[] =>
  cookies === '' ? [] : cookies.split('; ').map(split)

const split = (pair: string): readonly [string, string] => {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), pair.slice(at + 1)]
}

const take = (jar: Map<string, string>, line: string): void => {
  const [pair = '', ...attributes] = line.split(';').map((each) => each.trim())
  if (!sound.test(pair)) return
  const [name, value] = split(pair)
  if (attributes.some(isOver)) jar.delete(name)
  else jar.set(name, value)
}

/** A name that is a token, and no character in the value that would end it. */
const sound = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+=[\x20-\x3a\x3c-\x7e\x80-\xff]*$/

const isOver = (attribute: string): boolean => {
  const [key, value] = split(attribute)
  switch (key.toLowerCase()) {
    case 'max-age':
      return Number(value) <= 0
    case 'expires':
      return Date.parse(value) <= Date.now()
    default:
      return false
  }
}
