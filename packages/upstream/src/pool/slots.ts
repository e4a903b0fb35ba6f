import { firstId } from '../first-id.js'

/**
 * Slots keep what is under way by number. A Map would do the same, but one whose entries come and go with every call is rebuilt all the
 * time, and V8 keeps the dead tables, with all that they held, until the next full collection.
 */
export interface Slots<T> {
  /** Returns the number of the value; it is not given again while this process lives. */
  put(value: T): number
  /** Takes the value out; undefined when it is not, or no longer, there. */
  take(number: number): T | undefined
  size(): number
  /** Empties all places and returns what was in them. */
  drain(): T[]
}

/** How many values there may be at once. A number is a place below this, and a multiple of it that tells generations apart. */
const places = 2 ** 16

interface Slot<T> {
  readonly number: number
  readonly value: T
}

/** createSlots throws RangeError from `put` when all places are taken. */
export const createSlots = <T>(): Slots<T> => {
  const slots: (Slot<T> | undefined)[] = []
  const free: number[] = []
  // What a server could be made to answer to must not be guessed.
  let generation = Math.floor(firstId() / places)
  let size = 0

  return {
    put(value) {
      const place = free.pop() ?? slots.length
      if (place >= places) throw new RangeError(`more than ${places} calls at once`)
      generation++
      const number = generation * places + place
      slots[place] = { number, value }
      size++
      return number
    },
    take(number) {
      const place = number % places
      const slot = slots[place]
      if (slot?.number !== number) return undefined
      slots[place] = undefined
      free.push(place)
      size--
      return slot.value
    },
    size: () => size,
    drain() {
      const values = slots.flatMap((slot) => (slot ? [slot.value] : []))
      slots.length = 0
      free.length = 0
      size = 0
      return values
    },
  }
}
