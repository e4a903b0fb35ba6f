/** remembered makes a function of a text look it up where it was asked before: for texts of which few come, many times. It remembers the first `limit`. */
export const remembered = <Value>(
  limit: number,
  make: (text: string) => Value,
): ((text: string) => Value) => {
  const known = new Map<string, { readonly value: Value }>()
  return (text) => {
    const before = known.get(text)
    if (before) return before.value
    const value = make(text)
    if (known.size < limit) known.set(text, { value })
    return value
  }
}
