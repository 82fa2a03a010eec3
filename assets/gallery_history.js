// What was decided about an image and noted on it, by whom and when; and a field for a note.

const DONE = { keep: "kept it", remove: "removed it", unsure: "was unsure", clear: "took the decision back" }
const SAVE_AFTER_MS = 500 // the server is asked once a decision has had time to arrive

// One line of the history, in words.
function deed({ verdict, new_label: label, note }) {
  if (verdict === "note") return note ? "noted" : "erased the note"
  return verdict === "relabel" ? `relabelled it ${label}` : DONE[verdict]
}

// "22 Nov 11:02", as on all pages, whatever the browser's language.
function whenText(iso) {
  const at = new Date(iso)
  const day = at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })
  return `${day} ${at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`
}

class History {
  // written() is called when a note is finished.
  constructor(written) {
    this.section = new Section("history", "Note and history", { draw: () => this.ask() })
    this.note = element("textarea", { rows: "2", maxlength: "2000", "aria-label": "Note on this image",
      placeholder: "Why, in your words" })
    this.note.onkeydown = event => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.note.blur() // which saves it
      written()
    }
    this.note.onblur = () => this.save()
    this.list = element("ol", { class: "deeds" })
    this.section.inside.append(this.note, this.list)
    this.known = ""
  }

  show(store, row) {
    this.save() // what was typed on the image before
    this.store = store
    this.row = row
    this.turn = null
    this.early = false
    this.known = ""
    this.note.value = ""
    this.list.replaceChildren()
    this.mark(SETTLE_MS)
  }

  // All decisions have arrived: what was read while some were on their way lacks them.
  settled() {
    if (this.early) this.section.show()
  }

  // The image was decided, here or elsewhere.
  mark(after = SAVE_AFTER_MS) {
    const { store, row } = this
    clearTimeout(this.wait)
    if (row < 0 || !store) return
    const touched = store.state(row)[0] !== UNDECIDED || store.noted(row) || store.disputed(row)
    this.section.say(store.disputed(row) ? "reviewers disagree" : store.noted(row) ? "noted" : touched ? "decided" : "")
    this.wait = setTimeout(() => this.section.show(), after)
  }

  ask() {
    const { store, row } = this
    if (!store || row < 0) return
    const turn = (this.turn = Symbol("the answer asked for last"))
    const { revision } = store
    this.early = store.queue.pending.length > 0
    fetchJson(`${store.base}/history/${row}`).then(
      deeds => {
        if (turn !== this.turn) return
        this.early ||= revision !== store.revision
        this.fill(deeds)
        if (this.early && !store.queue.pending.length) this.settled()
      },
      error => {
        if (turn !== this.turn) return
        this.list.replaceChildren(element("li", { class: "quiet" }, `The history could not be loaded: ${error.message}`))
      },
    )
  }

  fill(deeds) {
    if (!this.early) this.fillNote(standingNote(deeds)) // else one just written would be gone
    const lines = deeds.toReversed().map(line => {
      const made = element("li", { class: line.undone && "undone" },
        element("b", {}, line.reviewer), ` ${deed(line)}`,
        element("span", { class: "quiet" }, ` ${whenText(line.at)}, value ${amount(line.value)}${line.undone ? ", undone" : ""}`))
      if (line.note) made.append(element("q", {}, line.note))
      return made
    })
    if (!lines.length) lines.push(element("li", { class: "quiet" }, "Nothing decided or noted yet"))
    this.list.replaceChildren(...lines)
  }

  fillNote(note) {
    if (this.note.value === this.known) this.note.value = note
    this.known = note
  }

  save() {
    const text = this.note.value.trim()
    if (!this.store || this.row < 0 || text === this.known) return
    this.known = text
    this.store.annotate([this.row], text)
  }

  close() {
    clearTimeout(this.wait)
  }
}
