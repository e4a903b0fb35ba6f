/** commandName is what texts call this command line: a path that works in every clone. */
export const commandName = 'scripts/mcp-router.sh'
