/** normal writes what differs from run to run the same way: times, random ids, pids, and the environment of a server. */
export const normal = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value), (key, held: unknown) => {
    if (typeof held !== 'string') return held
    if (key === 'blob' && isDated(held)) return '(a blob with the time in it)'
    if (held.startsWith('{\n  "') && held.includes('"PATH"')) return '(the environment)'
    return held
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '(time)')
      .replaceAll(/\d{1,2}:\d\d:\d\d [AP]M/g, '(time)')
      .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '(uuid)')
      .replaceAll(/\b[0-9a-f]{32}\b/g, '(task id)')
      .replaceAll(/"pid":\d+/g, '"pid":(pid)')
  })

const isDated = (base64: string): boolean =>
  /\d:\d\d:\d\d/.test(Buffer.from(base64, 'base64').toString('latin1'))
