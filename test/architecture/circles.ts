/** Graph is which files each file imports. */
export type Graph = ReadonlyMap<string, readonly string[]>

/**
 * circlesOf finds the shortest ways from a file back to itself; the first file is the last again. Of those that share a file only the shortest is
 * told: one import too many closes all of them.
 */
export const circlesOf = (graph: Graph): readonly (readonly string[])[] => {
  const all = [...graph.keys()].flatMap((file) => {
    const circle = wayBack(graph, file)
    return circle ? [circle] : []
  })
  const told = new Set<string>()
  return all
    .toSorted((one, other) => one.length - other.length)
    .filter((circle) => {
      const isNew = circle.every((file) => !told.has(file))
      for (const file of isNew ? circle : []) told.add(file)
      return isNew
    })
}

/** wayBack searches breadth first; undefined: there is none. */
const wayBack = (graph: Graph, file: string): readonly string[] | undefined => {
  const cameFrom = new Map<string, string>()
  // It grows while it is walked.
  const reached = new Set([file])
  for (const from of reached) {
    for (const to of graph.get(from) ?? []) {
      if (to === file) return [...wayTo(from, cameFrom), file]
      if (!reached.has(to)) cameFrom.set(to, from)
      reached.add(to)
    }
  }
  return undefined
}

const wayTo = (file: string, cameFrom: ReadonlyMap<string, string>): readonly string[] => {
  const before = cameFrom.get(file)
  return before === undefined ? [file] : [...wayTo(before, cameFrom), file]
}
