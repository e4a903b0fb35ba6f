import { expect, it } from 'vitest'
import { isLegacyRevision, latestLegacy, legacyRevisions } from './revision.js'

it('knows the revisions with sessions, and no other', () => {
  expect(legacyRevisions.every(isLegacyRevision)).toBe(true)
  expect(latestLegacy).toBe(legacyRevisions.at(-1))
  expect(['2026-07-28', '2025-11-2', '', 'latest'].some(isLegacyRevision)).toBe(false)
})
