/**
 * longestMs bounds every duration that a person may set: 24 days. A timer of Node runs after 1 ms when it is to run after 2^31 ms (24.8
 * days) or more; the rest is room for the seconds that some timers add.
 */
export const longestMs = 24 * 24 * 60 * 60 * 1000
