/**
 * Failure is an end that the person at the terminal can do something about; its message says what.
 */
export class Failure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Failure'
  }
}
