/** distance counts letters that were changed, left out, added, or swapped with their neighbour. */
export const distance = (a: string, b: string): number => {
  let before: readonly number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1]
    for (const [j, other] of Array.from(b).entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1)
      const isSwapped = i > 0 && j > 0 && letter === b[j - 1] && a[i - 1] === other
      const swap = isSwapped ? (before[j - 1] ?? 0) + 1 : Infinity
      next.push(Math.min(change, swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row.at(-1) ?? 0
}

/**
 * nearest finds the word that was probably meant: one slip in a short word, two or a third of its letters in a longer one. Short words are
 * near to each other by chance.
 */
export const nearest = (typed: string, words: readonly string[]): string | undefined => {
  const ranked = words
    // Each letter more or less is a slip: most words need no comparison.
    .filter((word) => Math.abs(word.length - typed.length) <= mostSlips(word))
    .map((word) => ({ word, off: distance(typed.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, off }) => off <= mostSlips(word))
    .sort((a, b) => a.off - b.off)
  return ranked[0]?.word
}

const mostSlips = (word: string): number => (word.length < 5 ? 1 : Math.max(2, word.length / 3))
