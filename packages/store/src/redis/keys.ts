import type { InstanceId, SessionId } from '@mcp-router/core'

/** sessionKey is a HASH; its plain name is the contract with operators, so that its cluster slot is that of the whole key. */
export const sessionKey = (id: SessionId) => `mcp:sessions:${id}`

/** anySessionKey is the SCAN pattern of all Sessions. */
export const anySessionKey = 'mcp:sessions:*'

/** callsKey is a HASH, entry to `<X-Request-Id>\n<message>`; the braces put it in the slot of its session. */
export const callsKey = (id: SessionId) => `{mcp:sessions:${id}}:calls`

/** endedKey is a STRING, there for a while once the Session was ended; in the slot of its session, too. */
export const endedKey = (id: SessionId) => `{mcp:sessions:${id}}:ended`

/** lifeKey is a LIST of JSON texts, the oldest first; in the slot of its session, too. */
export const lifeKey = (id: SessionId) => `{mcp:sessions:${id}}:life`

/** anyLifeKey is the SCAN pattern of all lives. */
export const anyLifeKey = '{mcp:sessions:*}:life'

/** lifeIdOf is the Session of a key that matches anyLifeKey. */
export const lifeIdOf = (key: string): SessionId =>
  key.slice('{mcp:sessions:'.length, -'}:life'.length) as SessionId // the inverse of lifeKey

/** callKey is a STRING, JSON of an AcceptedCall. */
export const callKey = (requestId: string) => `mcp:calls:${requestId}`

/** openStreamsKey is a ZSET, ids of sessions by when their streams were noted as open (ms); both keys of the same looks share a slot. */
export const openStreamsKey = (looks: string) => `{mcp:streams:${looks}}:open`

/** closedStreamsKey is a ZSET likewise, of streams that were noted as closed. */
export const closedStreamsKey = (looks: string) => `{mcp:streams:${looks}}:closed`

/** instanceKey is a HASH, the lease. */
export const instanceKey = (id: InstanceId) => `mcp:instance:${id}`

/** instancesKey is a SET of ids. */
export const instancesKey = 'mcp:instances'

export const clusterSecretKey = 'mcp:cluster:secret'

/** eraKey is a STRING, `legacy` or `modern`. */
export const eraKey = (name: string) => `mcp:eras:${name}`

/** generationKey is a STRING, another one each time the store began empty. */
export const generationKey = 'mcp:generation'
