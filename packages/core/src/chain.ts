/** Link is what can stand in a Chain; it belongs to one at a time. */
export interface Link {
  previous: Link | undefined
  next: Link | undefined
}

/**
 * Chain is a doubly linked list whose members carry their own links: adding and removing allocate nothing, where a Set of things that
 * come and go with every call is rebuilt again and again.
 */
export class Chain<T extends Link> {
  private readonly head: Link = { previous: undefined, next: undefined }

  /** add puts a member that is in no Chain at the front. */
  add(member: T): void {
    const { next } = this.head
    member.previous = this.head
    member.next = next
    this.head.next = member
    if (next) next.previous = member
  }

  /** remove takes a member out; one that is in no Chain stays as it is. */
  remove(member: T): void {
    const { previous, next } = member
    if (!previous) return
    previous.next = next
    if (next) next.previous = previous
    member.previous = undefined
    member.next = undefined
  }

  /** Every member; the one just handed out may be removed meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    let at = this.head.next
    while (at) {
      const { next } = at
      // Only members of type T are ever added.
      yield at as T
      at = next
    }
  }
}
