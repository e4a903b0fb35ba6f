/**
 * withoutComments blanks the comments of JSON as editors write it, so that everything else stays where it is. What does not begin as JSON is
 * YAML, where `//` is text.
 */
export const withoutComments = (text: string): string =>
  /^\uFEFF?(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*\{/.test(text)
    ? text.replace(stringOrComment, (match) => (match[0] === '/' ? blanked(match) : match))
    : text

const stringOrComment = /"(?:[^"\\]|\\.)*"|\/\/.*|\/\*[\s\S]*?\*\//g

const blanked = (comment: string): string => comment.replace(/[^\r\n]/g, ' ')
