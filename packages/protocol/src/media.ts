/** eventStreamType and jsonType are what Streamable HTTP answers with (2025-03-26, transports). */
export const eventStreamType = 'text/event-stream'
export const jsonType = 'application/json'

/** isMediaType compares a Content-Type with a media type: case and parameters do not count (RFC 9110 §8.3.1). */
export const isMediaType = (value: string | undefined, type: string): boolean => {
  if (value === type) return true
  if (value === undefined || value.length < type.length) return false
  const end = value.indexOf(';')
  return (end < 0 ? value : value.slice(0, end)).trim().toLowerCase() === type
}
