// What the server is asked. Of questions that come faster than answers only the latest is asked.

const LATER_MS = 140 // for what takes longer than a redraw: once the hand rests

async function fetched(url) {
  const response = await fetch(url).catch(() => null)
  if (!response) throw new Error("The server does not answer. Is Assay still running?")
  const body = await response.json().catch(() => null)
  if (!response.ok) throw new Error(body?.error ?? "The server could not answer this.")
  return body
}

class Latest {
  // url(question); got(answer, question); failed(sentence).
  constructor({ url, got, failed, after = 0 }) {
    Object.assign(this, { url, got, failed, after, asked: null, busy: false, closed: false, turn: 0 })
  }

  // `again`: even where the answer is known.
  ask(question, again = false) {
    const url = this.url(question)
    if (url === this.asked && !again) return
    this.asked = url
    clearTimeout(this.wait)
    if (this.after) this.wait = setTimeout(() => this.send(question), this.after)
    else this.send(question)
  }

  async send(question) {
    this.next = question
    if (this.busy) return
    this.busy = true
    while (this.next && !this.closed) {
      const [now, turn] = [this.next, this.turn]
      this.next = null
      try {
        const answer = await fetched(this.url(now))
        if (!this.closed && turn === this.turn) this.got(answer, now)
      } catch (error) {
        this.asked = null
        if (!this.closed && !this.next) this.failed(error.message)
      }
    }
    this.busy = false
  }

  // What is under way is not wanted any more.
  forget() {
    this.asked = this.next = null
    this.turn += 1
    clearTimeout(this.wait)
  }

  close() {
    this.closed = true
    clearTimeout(this.wait)
  }
}
