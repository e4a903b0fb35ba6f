import { expect, it } from 'vitest'
import { headerValuesOf, readHeader } from './header-values.js'

const headers = headerValuesOf([
  ...['Host', 'mcp-name'],
  ...['Mcp-Name', ' a\t'],
  ...['mcp-method', 'tools/call'],
  ...['MCP-METHOD', 'tools/call'],
])

it('finds the values of a field, line by line, whatever the case of its name', () => {
  expect(headers('mcp-name')).toEqual([' a\t'])
  expect(headers('Mcp-Method')).toEqual(['tools/call', 'tools/call'])
})

it('does not take a value for a name', () => {
  expect(headers('tools/call')).toEqual([])
})

it('tells one value from none and from two equal ones', () => {
  expect(readHeader(headers, 'Mcp-Name')).toEqual({ state: 'single', value: 'a' })
  expect(readHeader(headers, 'Mcp-Param-A')).toEqual({ state: 'absent' })
  expect(readHeader(headers, 'Mcp-Method')).toEqual({ state: 'repeated' })
})
