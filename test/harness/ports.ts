export { freePorts } from '@mcp-router/testkit/process'
