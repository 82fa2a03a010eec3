// Decisions on their way to the server: in order, kept in this browser until the server has them.

const MAX_BATCH = 500 // strokes in one request
const MAX_ROWS = 100000 // images in one request
const KEEPALIVE_BYTES = 60000 // browsers refuse larger bodies on a request that outlives the page
const ANSWER_WITHIN_MS = 15000

function newId() {
  if (globalThis.crypto?.randomUUID) return crypto.randomUUID()
  // Over plain http, away from localhost, browsers have no randomUUID but do have randomness.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, byte => byte.toString(16).padStart(2, "0")).join("")
}

// Storage may be full or switched off; reviewing goes on without it.
const kept = {
  read(area, key, otherwise = null) {
    try {
      return JSON.parse(globalThis[area].getItem(key)) ?? otherwise
    } catch {
      return otherwise
    }
  },
  write(area, key, value) {
    try {
      globalThis[area].setItem(key, JSON.stringify(value))
      return true
    } catch {
      return false
    }
  },
  drop(area, key) {
    try {
      globalThis[area].removeItem(key)
    } catch {
      // nothing was kept, so nothing is left behind
    }
  },
  keys(area, prefix) {
    try {
      return Object.keys(globalThis[area]).filter(key => key.startsWith(prefix))
    } catch {
      return []
    }
  },
}

class DecisionQueue {
  // hooks: changed() after every change of state; settled(answer) after the server has saved some.
  constructor(run, url, hooks) {
    this.url = url
    this.hooks = hooks
    this.failures = 0
    this.sending = false
    this.problem = null
    this.refused = []
    this.mirrored = true
    // A place for each time that the page is opened: a duplicated tab has the same session storage.
    const prefix = `assay.strokes.${run}.`
    this.key = prefix + newId()
    // What was left behind when a page was closed or crashed is sent now; event ids make it safe to
    // send what has arrived already, or what another tab, still open, is about to send.
    this.adopted = kept.keys("localStorage", prefix)
    const left = this.adopted.flatMap(key => kept.read("localStorage", key, []))
    const events = new Map(left.map(event => [event.event_id, event]))
    this.pending = [...events.values()]
    this.taken = new Set(events.keys())
    this.onOnline = () => this.flush()
    globalThis.addEventListener("online", this.onOnline)
    // Another tab that has sent what we kept has dropped it; what came since must be kept again.
    this.onStorage = event => event.key === this.key && this.pending.length && this.mirror()
    globalThis.addEventListener("storage", this.onStorage)
    // Only where the browser could not keep them would closing the page lose any.
    this.onLeave = event => this.pending.length && !this.mirrored && event.preventDefault()
    globalThis.addEventListener("beforeunload", this.onLeave)
  }

  push(events) {
    this.pending.push(...events)
    this.mirror()
    this.hooks.changed()
    // The rest of this task may decide more: one request for all of it.
    if (!this.scheduled) {
      this.scheduled = true
      queueMicrotask(() => {
        this.scheduled = false
        this.flush()
      })
    }
  }

  mirror() {
    this.mirrored = true
    if (this.pending.length) this.mirrored = kept.write("localStorage", this.key, this.pending)
    else kept.drop("localStorage", this.key)
  }

  // What was left behind goes once all that is in it now has arrived.
  dropAdopted() {
    const open = new Set(this.pending.map(event => event.event_id))
    const arrived = ({ event_id: id }) => this.taken.has(id) && !open.has(id)
    this.adopted = this.adopted.filter(key => {
      const done = kept.read("localStorage", key, []).every(arrived)
      if (done) kept.drop("localStorage", key)
      return !done
    })
  }

  async flush() {
    if (this.sending || !this.pending.length) return
    this.sending = true
    clearTimeout(this.timer)
    try {
      while (this.pending.length) await this.sendOne()
    } catch (error) {
      this.failures += 1
      this.problem = error.sentence ?? null
      const wait = Math.min(15000, 300 * 2 ** Math.min(this.failures, 6))
      this.timer = setTimeout(() => this.flush(), wait)
    } finally {
      this.sending = false
      this.hooks.changed()
    }
  }

  async sendOne() {
    const batch = this.batch()
    const body = JSON.stringify(batch.map(({ restores, ...event }) => event))
    const response = await fetch(this.url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Assay": "1" },
      body,
      keepalive: body.length < KEEPALIVE_BYTES,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    })
    const answer = await response.json().catch(() => ({}))
    if (!response.ok) {
      const error = new Error(`answered ${response.status}`)
      error.sentence = answer.error
      throw error
    }
    const sent = new Set(batch.map(event => event.event_id))
    this.pending = this.pending.filter(event => !sent.has(event.event_id))
    this.failures = 0
    this.problem = null
    this.refused.push(...(answer.rejected ?? []))
    this.mirror()
    this.dropAdopted()
    this.hooks.settled(answer)
    this.hooks.changed()
  }

  // As many of the oldest strokes as one request may hold, at least one.
  batch() {
    let images = 0
    const end = this.pending.findIndex((event, i) => {
      images += event.rows?.length ?? 0
      return i === MAX_BATCH || (i > 0 && images > MAX_ROWS)
    })
    return this.pending.slice(0, end < 0 ? undefined : end)
  }

  retry() {
    clearTimeout(this.timer)
    this.flush()
  }

  // What a person should know about it, in a few words.
  state() {
    const n = this.pending.length
    if (n && this.failures) {
      const why = this.problem ?? "the server does not answer."
      const where = this.mirrored ? "kept in this browser" : "kept in this tab only: leave it open"
      return { kind: "unsaved", text: `Not saved: ${why} ${n === 1 ? "1 decision is" : `${count(n)} decisions are`} ${where}.` }
    }
    if (n) return { kind: "saving", text: `Saving ${count(n)}…` }
    if (this.refused.length) {
      const { length } = this.refused
      return { kind: "refused", text: `${length === 1 ? "1 was" : `${count(length)} were`} refused: ${this.refused.at(-1).reason}` }
    }
    return { kind: "saved", text: "All decisions saved" }
  }

  close() {
    clearTimeout(this.timer)
    globalThis.removeEventListener("online", this.onOnline)
    globalThis.removeEventListener("storage", this.onStorage)
    globalThis.removeEventListener("beforeunload", this.onLeave)
  }
}
