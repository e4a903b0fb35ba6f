/**
 * Failure is an end that the person at the terminal can do something about; its message says what.
 */
export class Failure extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'Failure'
  }
}

/** isSystemError tells an error of the operating system, `EACCES: …`, which is no fault of ours. */
export const isSystemError = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string'
