const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (const [i, letter] of Array.from(a).entries()) {
    const next = [i + 1]
    for (const [j, other] of Array.from(b).entries()) {
      const change = (row[j] ?? 0) + (letter === other ? 0 : 1)
      next.push(Math.min(change, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

/**
 * nearest finds the word that was probably meant: at most a third of its letters (two in a short
 * word) are different.
 */
export const nearest = (typed: string, words: readonly string[]): string | undefined => {
  const ranked = words
    .map((word) => ({ word, off: distance(typed.toLowerCase(), word.toLowerCase()) }))
    .filter(({ word, off }) => off <= Math.max(2, word.length / 3) && off < word.length)
    .sort((a, b) => a.off - b.off)
  return ranked[0]?.word
}
