export { until } from '@mcp-router/testkit/wait'
