/** Queue keeps what a test is to look at; `next` waits for the next that was not taken yet. */
export interface Queue<T> {
  readonly all: readonly T[]
  put(value: T): void
  next(): Promise<T>
}

export const createQueue = <T>(): Queue<T> => {
  const all: T[] = []
  let taken = 0
  let wake = (): void => undefined
  return {
    all,
    put(value) {
      all.push(value)
      wake()
    },
    async next() {
      while (all.length <= taken) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
      return all[taken++] as T // just seen to be there
    },
  }
}
