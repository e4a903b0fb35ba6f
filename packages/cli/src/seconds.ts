/** seconds tells a duration as people read it: `0.4 s`. */
export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** uptime tells a long duration: `42s`, `12m`, `3h 5m`, `2d 1h`. */
export const uptime = (ms: number): string => {
  const total = Math.max(0, Math.floor(ms / 1000))
  const [days, hours, minutes] = [
    Math.floor(total / 86_400),
    Math.floor(total / 3600) % 24,
    Math.floor(total / 60) % 60,
  ]
  if (days > 0) return `${days}d ${hours}h`
  if (hours > 0) return `${hours}h ${minutes}m`
  return minutes > 0 ? `${minutes}m` : `${total}s`
}
