import { parse } from 'shell-quote'

/** splitCommandLine splits a command line as a POSIX shell does, quotes and all; what only a shell could do, it refuses with a reason. */
export const splitCommandLine = (
  line: string,
): { readonly words: readonly string[] } | { readonly reason: string } => {
  const words: string[] = []
  // Variables of the servers file were put in before.
  for (const each of parse(line, (name) => `$${name}`)) {
    if (typeof each === 'string') words.push(each)
    else if ('pattern' in each) words.push(each.pattern)
    else {
      const sign = 'comment' in each ? '#' : each.op
      return { reason: `it is run without a shell, and "${sign}" means nothing then` }
    }
  }
  return { words }
}
