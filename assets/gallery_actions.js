// What a person does to images: decide, take back, select, write, look closer.

const TOAST_MS = 6000

class Actions {
  // view: holds store, rows, position, grid and selection, and moves between images
  constructor(view) {
    this.view = view
    const back = () => view.focusGrid()
    this.chooser = new Chooser(view.root, back)
    this.notes = new NoteWindow(view.root, back)
    this.zoom = new Zoom(view.root, back)
    this.bulk = view.find(".bulk")
    this.toast = view.find(".toast")
    this.toast.querySelector("button").onclick = () => this.undo()
  }

  // The buttons that act on all that are selected.
  drawBulk() {
    this.selected = element("b", {})
    this.bulk.replaceChildren(this.selected,
      ...ACTIONS.map(([verdict, label, key]) => actButton(label, key, () => this.decide(verdict), verdict)),
      actButton("Relabel", "L", () => this.relabel(), "relabel"),
      actButton("Note", "N", () => this.note()),
      actButton("\u00d7", "Esc", () => this.selectNone()))
    this.bulk.lastChild.setAttribute("aria-label", "Select none")
    this.bulk.lastChild.title = "Select none"
  }

  // Some window is open that takes the keys itself.
  get busy() {
    return this.chooser.open || this.notes.open
  }

  // The images meant: all that are selected, else the current one.
  get rows() {
    const { selection, rows, position } = this.view
    if (selection.size) return selection.of(rows)
    return position < 0 ? [] : [rows[position]]
  }

  decide(verdict, label = null) {
    const { view } = this
    const { store, selection } = view
    if (selection.size) return this.decideMany(verdict, label)
    if (view.position < 0) return
    const row = view.rows[view.position]
    store.decide([row], verdict, label)
    this.hush()
    view.moveBy(1)
    const next = view.rows[view.position]
    const name = store.classes[store.labels[next]]
    const where = next === row ? "This was the last one" : `Now rank ${count(store.rank[next])}, labelled ${name}`
    view.say(`${VERDICTS[verdict].done}. ${where}.`)
    if (!this.zoom.open) view.focusGrid()
  }

  decideMany(verdict, label) {
    const { view } = this
    const { rows } = this
    if (rows.length > MOST_AT_ONCE) {
      this.tell(`${manyImages(rows.length)} are selected; at most ${count(MOST_AT_ONCE)} can be decided at once. Narrow the filters.`)
      return
    }
    view.store.decide(rows, verdict, label)
    const next = view.rows.lastIndexOf(rows.at(-1)) + 1
    const done = verdict === "relabel" ? `relabelled ${label}` : VERDICTS[verdict].done.toLowerCase()
    this.selectNone()
    this.tell(`${manyImages(rows.length)} ${verdict === "unsure" ? "marked unsure" : done}`, true)
    if (next < view.rows.length) view.moveTo(next)
    view.focusGrid()
  }

  undo(redo = false) {
    const { view } = this
    const rows = redo ? view.store.redo() : view.store.undo()
    if (!rows) {
      view.say(redo ? "Nothing to redo." : "Nothing to undo.")
      return
    }
    this.hush()
    if (rows.length > 1) {
      this.tell(`${redo ? "Done again" : "Taken back"}: ${manyImages(rows.length)}`)
    } else {
      const position = view.rows.indexOf(rows[0])
      if (position >= 0) view.moveTo(position)
      view.say(redo ? "Done again." : "Taken back.")
    }
  }

  // -- selecting ---------------------------------------------------------------------------------

  extendTo(position) {
    const { view } = this
    if (position < 0 || position >= view.rows.length) return
    view.selection.extend(view.rows, position, Math.max(0, view.position))
    view.moveTo(position)
    this.selectionChanged()
  }

  toggle(position) {
    if (position < 0) return
    this.view.selection.toggle(this.view.rows, position)
    this.selectionChanged()
  }

  selectAll() {
    this.view.selection.all(this.view.rows)
    this.selectionChanged()
    this.view.say(`${manyImages(this.view.selection.size)} selected.`)
  }

  selectNone() {
    if (!this.view.selection.size) return
    this.view.selection.clear()
    this.selectionChanged()
  }

  selectionChanged() {
    const { size } = this.view.selection
    if (!size) this.bulk.replaceChildren()
    else if (this.bulk.hidden) this.drawBulk()
    this.bulk.hidden = !size
    if (size) this.selected.textContent = `${count(size)} selected`
    if (size) this.hush()
    this.view.grid.markAll()
  }

  // -- asking ------------------------------------------------------------------------------------

  relabel() {
    const { store } = this.view
    const { rows } = this
    if (!rows.length) return
    const own = rows.length === 1 ? store.classes[store.labels[rows[0]]] : null
    this.chooser.ask({
      title: own === null ? `Relabel ${manyImages(rows.length)} to` : `Labelled ${own}. Relabel to`,
      classes: store.classes.filter(name => name !== own), // the label that it has is no new one
      first: this.likelyLabels(rows),
      choose: label => this.decide("relabel", label),
    })
  }

  // [class, why] of the classes that come to mind first: the label suggested, then what the image
  // looks like; of many images, those suggested or looked like most often.
  likelyLabels(rows) {
    const { store } = this.view
    if (rows.length === 1) {
      const suggestion = store.suggestion(rows[0])
      const like = store.looksLike[rows[0]]
      const found = []
      if (suggestion) found.push([store.classes[suggestion.label], `suggested, ${wholePercent(suggestion.confidence)}`])
      if (like !== store.labels[rows[0]] && like !== suggestion?.label) found.push([store.classes[like], "looks like it"])
      return found
    }
    const votes = new Uint32Array(store.classes.length)
    for (const row of rows) {
      const like = store.suggestion(row)?.label ?? store.looksLike[row]
      if (like !== store.labels[row]) votes[like] += 1
    }
    return [...votes.keys()].filter(label => votes[label]).sort((a, b) => votes[b] - votes[a]).slice(0, 3)
      .map(label => [store.classes[label], `${count(votes[label])} look like it`])
  }

  note() {
    const { store } = this.view
    const { rows } = this
    if (!rows.length || rows.length > MOST_AT_ONCE) return
    this.notes.ask({
      title: rows.length === 1 ? "Note on this image" : `Note on ${manyImages(rows.length)}`,
      known: rows.length === 1 && store.noted(rows[0]) ? store.noteOf(rows[0]) : null,
      save: text => {
        store.annotate(rows, text)
        this.tell(text ? `Note written on ${manyImages(rows.length)}` : `Note erased on ${manyImages(rows.length)}`, true)
      },
    })
  }

  enlarge() {
    const { view } = this
    if (this.zoom.open) this.zoom.close()
    else if (view.position >= 0) this.zoom.draw(view.store, view.rows[view.position])
  }

  // -- telling -----------------------------------------------------------------------------------

  // A sentence over the pictures, for a while; with `back`, a button that takes it back.
  tell(sentence, back = false) {
    clearTimeout(this.telling)
    this.toast.querySelector("span").textContent = sentence
    this.toast.querySelector("button").hidden = !back
    this.toast.hidden = false
    this.telling = setTimeout(() => this.hush(), TOAST_MS)
    this.view.say(sentence)
  }

  hush() {
    this.toast.hidden = true
  }

  close() {
    clearTimeout(this.telling)
    for (const open of [this.chooser, this.notes, this.zoom]) open.remove()
  }
}
