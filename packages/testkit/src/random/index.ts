export {
  mutated,
  randomEnvelope,
  randomNumber,
  randomString,
  randomValue,
  space,
  spelled,
} from './json.js'
export { createRandom } from './random.js'
export type { Random } from './random.js'
