import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** isCheckout tells that this runs in a clone of the project, and not as an installed package. */
export const isCheckout = existsSync(
  fileURLToPath(new URL('../../../scripts/mcp-router.sh', import.meta.url)),
)

/** commandName is what texts call this command line: in a checkout a path that works in every clone. */
export const commandName = isCheckout ? 'scripts/mcp-router.sh' : 'mcp-router'
/** clusterCommand stands before start, stop, restart, status and logs. */
export const clusterCommand = isCheckout ? 'scripts/start-instances.sh' : 'mcp-router cluster'
export const verifyCommand = isCheckout ? 'scripts/verify-session.sh' : 'mcp-router verify'
/** setupCommand installs what is missing. */
export const setupCommand = isCheckout ? 'scripts/setup.sh' : 'mcp-router doctor --install'
