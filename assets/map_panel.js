// Beside the map: the legend, the images that are selected, and what is decided about them.

const ACTS = [["keep", "Keep", "K"], ["remove", "Remove", "R"], ["unsure", "Unsure", "U"]]

class Panel {
  // hooks: entry(k, how) on a legend entry; say(sentence).
  constructor(root, hooks) {
    this.root = root
    this.hooks = hooks
    this.find = selector => root.querySelector(selector)
    this.rows = []
    this.position = -1
    this.grid = new Grid(this.find(".picked"), {
      select: (position, how) => this.select(position, how),
      enlarge: () => this.zoom.draw(this.store, this.current),
      failed: () => {},
      marked: row => this.selection?.has(row) ?? false,
    })
    const back = () => this.grid.view.focus({ preventScroll: true })
    this.chooser = new Chooser(root, back)
    this.zoom = new Zoom(root, back)
    this.buildActs()
  }

  buildActs() {
    const button = (verdict, title, key, act) => {
      const made = element("button", { type: "button", class: `act ${verdict}` },
        icon(VERDICTS[verdict].icon), element("span", {}, title), element("kbd", {}, key))
      made.onclick = act
      return made
    }
    const all = element("button", { type: "button", class: "act all" }, element("span", {}, "Select all"), element("kbd", {}, "A"))
    all.onclick = () => this.selectAll()
    this.find(".decide").append(
      ...ACTS.map(([verdict, title, key]) => button(verdict, title, key, () => this.act(verdict))),
      button("relabel", "Relabel", "L", () => this.relabel()), all)
  }

  get current() {
    return this.position < 0 ? -1 : this.rows[this.position]
  }

  // The images that a decision is about: those marked, else the current one.
  get target() {
    if (this.selection?.size) return this.selection.of(this.rows)
    return this.position < 0 ? [] : [this.current]
  }

  open(store) {
    this.store = store
    this.selection = new Selection(store.n)
  }

  // `rows`, worst first, and how many validation images were selected with them.
  show(rows, others) {
    this.rows = rows
    this.selection.clear()
    const words = rows.length === 1 ? "1 image" : `${count(rows.length)} images`
    const more = others ? ` and ${count(others)} of validation` : ""
    this.find("h3").textContent = rows.length || others ? `${words}${more}` : "Nothing selected"
    this.find(".head .open").hidden = !rows.length
    this.find(".head .clear").hidden = !rows.length && !others
    this.find(".empty").hidden = rows.length > 0
    this.find(".picked .grid").hidden = !rows.length
    this.find(".deciding").hidden = !rows.length
    this.find(".empty p").textContent = others
      ? "Only validation images are selected: they are trusted, so there is nothing to decide about them."
      : "Draw around images to see them here and decide. Shift adds to a selection, Alt takes away from it; a click on an image or on the legend selects too."
    this.grid.cursor = -1
    this.grid.show(this.store, rows, "small")
    this.grid.view.scrollTop = 0
    this.moveTo(rows.length ? 0 : -1)
    this.scope()
  }

  scope() {
    const n = this.target.length
    const { size } = this.selection
    this.find(".scope").textContent = size
      ? `A decision is about the ${count(n)} selected`
      : "A decision is about the outlined image"
    const all = this.find(".act.all")
    all.querySelector("span").textContent = size ? "Only this" : `All ${count(this.rows.length)}`
    all.querySelector("kbd").textContent = size ? "Esc" : "A"
    all.hidden = this.rows.length < 2
  }

  // -- moving ------------------------------------------------------------------------------------

  select(position, { range = false, toggle = false } = {}) {
    if (range) this.selection.extend(this.rows, position, Math.max(0, this.position))
    else if (toggle) this.selection.toggle(this.rows, position)
    else this.selection.clear()
    this.moveTo(position)
    this.grid.markAll()
    this.scope()
    this.grid.view.focus({ preventScroll: true })
  }

  selectAll() {
    if (this.selection.size) this.selection.clear()
    else this.selection.all(this.rows)
    this.grid.markAll()
    this.scope()
  }

  // Returns whether there was something to let go of.
  letGo() {
    if (!this.selection?.size) return false
    this.selectAll()
    return true
  }

  moveTo(position) {
    this.position = position
    this.grid.moveTo(position)
    this.hooks.current(this.current)
  }

  moveBy(step) {
    if (!this.rows.length) return
    this.moveTo(Math.min(this.rows.length - 1, Math.max(0, this.position + step)))
    if (this.zoom.open) this.zoom.draw(this.store, this.current)
  }

  // -- deciding ----------------------------------------------------------------------------------

  act(verdict, label = null) {
    const rows = this.target
    if (!rows.length) return
    if (rows.length > MOST_AT_ONCE) {
      return this.hooks.say(`At most ${count(MOST_AT_ONCE)} images at once; select fewer.`)
    }
    this.store.decide(rows, verdict, label)
    const done = label ?? VERDICTS[verdict].done.toLowerCase()
    if (this.selection.size) this.hooks.say(`${count(rows.length)} images: ${done}. Z takes it back.`)
    else {
      this.hooks.say(`${VERDICTS[verdict].done}.`)
      this.moveBy(1)
    }
  }

  relabel() {
    const rows = this.target
    if (!rows.length) return
    const { store } = this
    const title = rows.length === 1 ? "Relabel to" : `Relabel ${count(rows.length)} images to`
    this.chooser.ask({
      title, classes: store.classes, first: this.likely(rows),
      choose: name => this.act("relabel", name),
    })
  }

  // The class that most of these images look like, where that is not the label of all of them.
  likely(rows) {
    const { store } = this
    const votes = new Map()
    for (const row of rows) votes.set(store.looksLike[row], (votes.get(store.looksLike[row]) ?? 0) + 1)
    const [like, n] = [...votes].sort((a, b) => b[1] - a[1])[0]
    if (rows.every(row => store.labels[row] === like)) return []
    return [[store.classes[like], rows.length === 1 ? "looks like it" : `${count(n)} look like it`]]
  }

  undo(redo = false) {
    const rows = redo ? this.store.redo() : this.store.undo()
    if (!rows) return this.hooks.say(redo ? "Nothing to redo." : "Nothing to undo.")
    const position = this.rows.indexOf(rows[0])
    if (position >= 0) this.moveTo(position)
    this.hooks.say(redo ? "Done again." : "Taken back.")
  }

  // -- legend ------------------------------------------------------------------------------------

  legend(coloring, rows) {
    const all = coloring.tally()
    const within = rows ? coloring.tally(rows) : null
    const list = element("div", { class: "entries" })
    coloring.entries.forEach(({ name, color }, k) => {
      if (!all[k] && coloring.entries.length > 20) return
      const swatch = element("i", { class: "swatch" })
      swatch.style.background = color
      const amountOf = within ? `${count(within[k])} of ${count(all[k])}` : count(all[k])
      const entry = element("button", { type: "button", class: "entry", title: `Select ${name}` },
        swatch, element("span", {}, name), element("span", { class: "n" }, amountOf))
      entry.disabled = !all[k]
      entry.classList.toggle("none", within ? !within[k] : !all[k])
      entry.onclick = event => this.hooks.entry(k, event.shiftKey ? "add" : event.altKey ? "less" : "only")
      list.append(entry)
    })
    const parts = [list]
    if (coloring.mode === "value") parts.unshift(this.scale(coloring))
    const hues = coloring.hueOf.size
    if (coloring.mode !== "source" && coloring.column && coloring.entries.length > SLOTS + 1) {
      parts.push(element("p", { class: "quiet" }, `${hues} classes have a color at a time; a click gives one to another.`))
    }
    this.find(".legend").replaceChildren(...parts)
  }

  scale(coloring) {
    const { neutral } = coloring.store
    const bar = element("div", { class: "ramp", role: "img", "aria-label": "Colors from harmful over neutral to helpful" })
    const stops = Array.from({ length: 11 }, (_, k) => {
      const at = 4 * Math.round((k / 10) * RAMP)
      return css([...coloring.palette.bytes.subarray(at, at + 3)])
    })
    bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`
    const [low, high] = [neutral - coloring.reach, neutral + coloring.reach]
    return element("div", { class: "scale" }, bar,
      element("div", { class: "ends" }, element("span", {}, `${amount(low)} or less`),
        element("span", {}, amount(neutral)), element("span", {}, `${amount(high)} or more`)))
  }

  close() {
    this.grid.close()
  }
}
