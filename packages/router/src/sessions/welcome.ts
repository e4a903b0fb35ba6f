import type { Link } from '@mcp-router/core'
import { discard } from '@mcp-router/upstream'
import type { Timed } from '../deadlines.js'
import type { Context } from '../downstream/context.js'
import type { HeldSession } from './held.js'
import type { LiveSession } from './live.js'
import { retell } from './retell.js'
import { tellReturn } from './return.js'
import type { Stream } from './stream.js'

/** A client that has just been started sends `initialize` well within this; one that came back may have nothing to say, ms. */
const graceMs = 2_000

const guests = new WeakMap<LiveSession, Guest>()

/**
 * welcome attaches the Stream of a client that was recognised by a guess only once it can be no other: what its Session has to tell is none
 * of the business of a client that begins anew.
 */
export const welcome = (
  context: Context,
  held: HeldSession,
  live: LiveSession,
  stream: Stream,
): void => {
  const guest = new Guest(context, held, live, stream)
  guests.set(live, guest)
  context.deadlines.add(guest)
}

/** recogniseGuest looks at the first message of such a client. */
export const recogniseGuest = (live: LiveSession, method: string): void => {
  const guest = guests.get(live)
  if (!guest) return
  if (method !== 'initialize') {
    guest.onDue()
    return
  }
  // Messages that wait for the return of its client are not this one's.
  live.attach(nowhere, 'plain')
  guest.attach()
}

class Guest implements Timed {
  previous: Link | undefined
  next: Link | undefined
  readonly dueAt = performance.now() + graceMs
  private readonly context: Context
  private readonly held: HeldSession
  private readonly live: LiveSession
  private readonly stream: Stream

  constructor(context: Context, held: HeldSession, live: LiveSession, stream: Stream) {
    this.context = context
    this.held = held
    this.live = live
    this.stream = stream
  }

  onDue(): void {
    const waited = this.attach()
    if (!waited) return
    discard(retell(this.context, this.held, this.live, waited))
    tellReturn(this.held)
  }

  attach(): ReadonlySet<string> | undefined {
    if (guests.get(this.live) !== this) return undefined
    guests.delete(this.live)
    return this.stream.isOpen() ? this.live.attach(this.stream, 'plain') : undefined
  }
}

/** Whatever is told there is forgotten. */
const nowhere: Stream = {
  message: () => undefined,
  frame: () => undefined,
  end: () => undefined,
  isOpen: () => false,
}
