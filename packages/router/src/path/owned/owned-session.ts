import { outcomeUnknown } from '../../calls/outcome.js'
import { LimitedSession } from './limited-session.js'

/** OwnedSession is a LimitedSession that can be over for good: nobody goes on with what is under way then, and its clients are told so. */
export class OwnedSession extends LimitedSession {
  override async handOver(isOver = false): Promise<void> {
    if (isOver) await this.finish(outcomeUnknown({ reason: clientEnded }))?.close()
    else await super.handOver()
  }
}

/** Nobody else ends a Session that has calls under way. */
const clientEnded = 'its client ended the session before it was answered'
