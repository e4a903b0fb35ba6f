import { notificationBytes, scanMessage } from '@mcp-router/protocol'
import { backendOf } from '@mcp-router/testkit/upstream'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createListChanges } from './changes.js'

const weather = backendOf()
const other = { ...weather, name: 'other' as typeof weather.name }
const tools = 'notifications/tools/list_changed'
const prompts = 'notifications/prompts/list_changed'
const note = (method: string) => scanMessage(notificationBytes(method))

const open = () => {
  const changes = createListChanges()
  const [noted, told] = [vi.fn(), vi.fn()]
  const stops = [changes.whenNoted(noted), changes.subscribe(told)]
  return { changes, noted, told, stops }
}

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it('the same change that many sessions hear of at once is told once', () => {
  const { changes, noted, told } = open()
  changes.note(weather, note(tools))
  vi.advanceTimersByTime(10)
  changes.note(weather, note(tools))
  changes.note(weather, note(prompts))
  changes.note(other, note(tools))
  vi.advanceTimersByTime(20)
  const all = [
    ['weather', tools],
    ['weather', prompts],
    ['other', tools],
  ]
  expect(noted.mock.calls).toEqual(all)
  expect(told.mock.calls).toEqual(all)
})

it('the next change is told again', () => {
  const { changes, told } = open()
  changes.note(weather, note(tools))
  vi.advanceTimersByTime(20)
  changes.note(weather, note(tools))
  vi.advanceTimersByTime(20)
  expect(told).toHaveBeenCalledTimes(2)
})

it('what another instance heard is told at once, and not noted here', () => {
  const { changes, noted, told } = open()
  changes.publish(weather.name, tools)
  expect(told).toHaveBeenCalledExactlyOnceWith('weather', tools)
  vi.advanceTimersByTime(20)
  expect(noted).not.toHaveBeenCalled()
})

it('other notifications are nothing', () => {
  const { changes, told } = open()
  changes.note(weather, note('notifications/message'))
  vi.advanceTimersByTime(20)
  expect(told).not.toHaveBeenCalled()
})

it('whoever stopped hears nothing more', () => {
  const { changes, noted, told, stops } = open()
  changes.note(weather, note(tools))
  for (const stop of stops) stop()
  vi.advanceTimersByTime(20)
  changes.publish(weather.name, tools)
  expect([...noted.mock.calls, ...told.mock.calls]).toEqual([])
})
