/** exportLine is a line of a shell that sets variables; a value that needs it is quoted. */
export const exportLine = (values: readonly (readonly [string, string])[]): string =>
  `export ${values.map(([name, value]) => `${name}=${quoted(value)}`).join(' ')}`

const quoted = (value: string): string =>
  /^[\w./:@%+,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`
