/** quoted is text as one argument of a directive; `$` is refused, as Nginx cannot escape it. */
export const quoted = (text: string): string => {
  if (/[$\u0000-\u001f]/.test(text)) {
    throw new Error(`Nginx cannot take ${JSON.stringify(text)}: no $ or control characters`)
  }
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}

/** quotedInclude is the path of one file to include, where `*`, `?` and `[` would be patterns. */
export const quotedInclude = (path: string): string => quoted(path.replace(/[*?[]/g, '[$&]'))
