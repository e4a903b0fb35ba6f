import { randomInt } from 'node:crypto'

/** Below it ids stay safe integers for 2^52 calls, and have the 15 digits that are read at a glance. */
const highest = 2 ** 47

/** firstId is where the ids of a connection that callers share begin: nobody can name the id of another. */
export const firstId = (): number => randomInt(highest / 2, highest)
