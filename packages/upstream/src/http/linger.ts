/** How long an answer may go on when all that counts of it has come, ms: what is about a call comes before its response (2025-11-25, transports). */
export const lingerMs = 250
