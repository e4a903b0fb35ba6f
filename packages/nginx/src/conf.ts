import { NginxConfFile } from 'nginx-conf'

/**
 * formatted reads a configuration with nginx-conf and prints it in one layout. A bare `#` becomes
 * an empty line. nginx-conf groups the directives of a block by name, so nothing may depend on the
 * order of two groups.
 */
export const formatted = (source: string): string => {
  const printed: string[] = []
  // nginx-conf calls back before it returns: it has nothing to wait for.
  NginxConfFile.createFromSource(source, (error, conf) => {
    if (error) throw new Error(`reading the Nginx configuration to print: ${error.message}`)
    if (conf) printed.push(conf.toString())
  })
  return paragraphs(indentComments(printed.join('').split('\n'))).join('\n')
}

/** nginx-conf prints comments at the left margin; each belongs where the directive below it is. */
const indentComments = (lines: readonly string[]): string[] => {
  let indent = ''
  const upwards = lines.toReversed().map((line) => {
    if (line.startsWith('#')) return indent + line
    indent = /^ */.exec(line)?.[0] ?? ''
    return line
  })
  return upwards.reverse()
}

const isComment = (line: string): boolean => line.trimStart().startsWith('#')

/** A comment or a block begins a paragraph. */
const paragraphs = (lines: readonly string[]): string[] => {
  const spaced = lines.flatMap((line, at) => {
    const above = lines[at - 1] ?? '{'
    const begins = isComment(line) || line.endsWith('{')
    return begins && !isComment(above) && !above.endsWith('{') ? ['', line] : [line]
  })
  return spaced.filter((line) => line.trim() !== '#')
}
