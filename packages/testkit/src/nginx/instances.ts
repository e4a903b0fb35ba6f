import { onTestFinished } from 'vitest'
import { openInstance, type TestInstance } from './instance.js'

/** openInstances opens `count` Instances for the rest of the test. */
export const openInstances = async (count: number): Promise<TestInstance[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const instance = await openInstance(`router-instance-${at + 1}`)
      onTestFinished(() => instance.close())
      return instance
    }),
  )
