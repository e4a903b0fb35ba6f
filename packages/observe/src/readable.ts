import { format } from 'winston'
import type { Logform } from 'winston'

const clock = (): string => new Date().toISOString().slice(11, 23)

/** readable is one line for a person: time, level, text, then what else is known as name=value. */
export const readable: Logform.Format = format.printf(({ level, message, ...rest }) => {
  const details = Object.entries(rest)
    .filter(([name, value]) => name !== 'instance' && value !== '' && value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [clock(), level.padEnd(5), String(message), ...details].join('  ')
})
