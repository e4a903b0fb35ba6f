/** So many ids of the last events are known. */
const maxIds = 64

/** SeenEvents are the ids of the events of a stream: which came lately, and which its client has received already, when it was away. */
export class SeenEvents {
  private readonly delivered = new Set<string>()
  private readonly ids: string[] = []

  /** expect says that the client has these. */
  expect(ids: readonly string[]): void {
    for (const id of ids) this.delivered.add(id)
  }

  /** note tells whether the client has the event that comes under this id. */
  note(id: string): boolean {
    this.ids.push(id)
    if (this.ids.length > maxIds) this.ids.shift()
    return this.delivered.delete(id)
  }

  /** has tells that it came lately. */
  has(id: string): boolean {
    return this.ids.includes(id)
  }
}
