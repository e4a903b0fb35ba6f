/** UnitFile is what a unit of systemd says: section, key, all its values in order. */
export interface UnitFile {
  /** The last one; a key that is not there is a mistake of the test. */
  one(section: string, key: string): string
  all(section: string, key: string): readonly string[]
}

/** readUnit parses the text of a unit for an instance, whose name replaces `%i`. */
export const readUnit = (text: string, instance: string): UnitFile => {
  const values = new Map<string, string[]>()
  let section = ''
  for (const line of text.split('\n')) {
    const head = /^\[(\w+)\]$/.exec(line)?.[1]
    if (head !== undefined) section = head
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (key === undefined || value === undefined) continue
    const place = `${section}.${key}`
    values.set(place, [...(values.get(place) ?? []), value.replaceAll('%i', instance)])
  }
  const all = (section: string, key: string): readonly string[] =>
    values.get(`${section}.${key}`) ?? []
  return {
    all,
    one(section, key) {
      const value = all(section, key).at(-1)
      if (value === undefined) throw new Error(`no ${key} in [${section}]`)
      return value
    },
  }
}

/** assignments are `NAME=value` words, as in `Environment=`, or the lines of an environment file. */
export const assignments = (texts: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    texts
      .flatMap((text) => text.split(/\s+/))
      .flatMap((word) => {
        const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(word) ?? []
        return name === undefined || value === undefined ? [] : [[name, value]]
      }),
  )
