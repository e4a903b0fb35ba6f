/** within resolves once `done` has settled, or after `limitMs`. */
export const within = async (done: Promise<unknown>, limitMs: number): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
    timer.unref()
  })
  await Promise.race([done.catch(() => undefined), late]).finally(() => clearTimeout(timer))
}
