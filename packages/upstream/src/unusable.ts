import type { Endpoint } from '@mcp-router/core'

/** Endpoints that could not be used when they were last tried, and will not be before the operator has corrected them. */
const unusable = new WeakSet<Endpoint>()

/** isUnusable tells that to wait for an Endpoint would be in vain: its command is not there, or its server speaks something else. */
export const isUnusable = (endpoint: Endpoint): boolean => unusable.has(endpoint)

export const noteUnusable = (endpoint: Endpoint): void => void unusable.add(endpoint)

/** noteUsable takes note that it can be used after all, or that it failed in a way that may pass. */
export const noteUsable = (endpoint: Endpoint): void => void unusable.delete(endpoint)
