import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

const skies = ['clear', 'cloudy', 'foggy', 'rainy', 'snowy', 'windy'] as const

/**
 * weatherIn is made up, but the same for the same city, so that a demonstration can be repeated.
 */
export const weatherIn = (city: string): { sky: string; celsius: number } => {
  const seed = Array.from(city.toLowerCase()).reduce(
    (sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973,
    7,
  )
  return { sky: skies[seed % skies.length] ?? 'clear', celsius: (seed % 45) - 10 }
}

export const getWeather = (server: McpServer): void => {
  server.registerTool(
    'get_weather',
    {
      title: 'Weather',
      description: 'The weather in a city (made up: this server makes no network calls)',
      inputSchema: { city: z.string().min(1) },
      outputSchema: { sky: z.string(), celsius: z.number() },
      annotations: { readOnlyHint: true },
    },
    ({ city }) => {
      const weather = weatherIn(city)
      const text = `${city}: ${weather.sky}, ${weather.celsius} °C`
      return { content: [{ type: 'text', text }], structuredContent: weather }
    },
  )
}
