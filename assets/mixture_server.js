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
    try {
      while (this.next && !this.closed) await this.settle()
    } finally {
      this.busy = false
    }
  }

  async settle() {
    const [now, turn] = [this.next, this.turn]
    this.next = null
    const found = await fetched(this.url(now)).then(answer => ({ answer }), ({ message }) => ({ message }))
    if (this.closed || turn !== this.turn) return
    if (found.answer) this.got(found.answer, now)
    else if (!this.next) {
      this.asked = null
      this.failed(found.message)
    }
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
