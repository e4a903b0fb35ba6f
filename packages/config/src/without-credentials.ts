/**
 * withoutCredentials masks user and password in a value that was meant as a URL, fit to quote. It may be none, so nothing is parsed: a
 * password may hold what would end it in a URL, and all up to the last `@` may be a part of it.
 */
export const withoutCredentials = (text: string): string => {
  if (!at.test(text)) return text
  const scheme = /^[a-z][a-z0-9+.-]*:\/\//i.exec(text)?.[0] ?? ''
  const query = text.search(/[?#]/)
  // Either of them may be the secret: the password up to it, or the query around it.
  if (query >= 0 && at.test(text.slice(query))) return `${scheme}***`
  return text.replace(/^.*(?:@|%40)/is, `${scheme}***@`)
}

const at = /@|%40/i

/** quoted is a value as a message shows it: any value may be a URL at the wrong place. */
export const quoted = (text: string): string => `"${withoutCredentials(text)}"`

/** withoutCredentialsIn masks them in a sentence, where a path or a key may be a URL, too. */
export const withoutCredentialsIn = (sentence: string): string =>
  sentence.replace(/\b([a-z][a-z0-9+.-]+:\/{1,2})[^\s"]*(?:@|%40)/gi, '$1***@')
