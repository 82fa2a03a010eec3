// Beside the map: the legend, the images that are selected, and what is decided about them. The panel
// is to the review's `Actions` and `Keyboard` what the review itself is: rows, a place, a selection.

const HOW_TO = [
  ["Drag", "draw around images; Shift adds, Alt takes away"],
  ["Click", "select one image, or a class in the legend"],
  ["Scroll", "zoom; hold Space or the right button to move"],
  ["K R U L N", "keep, remove, unsure, relabel, note"],
  ["A", "all that are shown here; Z takes back"],
]

// The bar is there for one image too: there is no inspector here.
class MapActions extends Actions {
  constructor(view) {
    super(view)
    this.drawBar()
  }

  drawBar() {
    this.selected = element("p", { class: "quiet" })
    this.all = actButton("", "A", () => (this.view.selection.size ? this.selectNone() : this.selectAll()))
    this.bulk.append(this.selected,
      ...ACTIONS.map(([verdict, label, key]) => actButton(label, key, () => this.decide(verdict), verdict)),
      actButton("Relabel", "L", () => this.relabel(), "relabel"),
      actButton("Note", "N", () => this.note()), this.all)
  }

  selectionChanged() {
    const { selection, rows, grid } = this.view
    const { size } = selection
    this.selected.textContent = size
      ? `Decide about ${manyImages(size)} at once`
      : "Decide about the framed image, or select all"
    this.all.querySelector("span").textContent = size ? "Only one" : `All ${count(rows.length)}`
    this.all.querySelector("kbd").textContent = size ? "Esc" : "A"
    if (size) this.hush()
    grid.markAll()
  }

  // Who decides is asked before the first decision, where no login says so.
  decide(verdict, label = null) {
    this.view.named(() => super.decide(verdict, label))
  }
}

class Panel {
  // hooks: entry(k, how) on a legend entry; current() when another image is the current one;
  // say(sentence) to who cannot see what changed; missing(row) when a picture cannot be loaded.
  constructor(root, hooks) {
    this.root = root
    this.hooks = hooks
    this.find = selector => root.querySelector(selector)
    this.rows = []
    this.position = -1
    this.grid = new Grid(this.find(".picked"), {
      select: (position, how) => this.select(position, how),
      enlarge: () => this.actions.enlarge(),
      failed: row => hooks.missing(row),
      marked: row => this.selection?.has(row) ?? false,
    })
    this.actions = new MapActions(this)
    this.who = new WhoWindow(root, () => this.answered())
    this.find(".how").append(...HOW_TO.flatMap(([key, does]) =>
      [element("dt", {}, element("kbd", {}, key)), element("dd", {}, does)]))
  }

  get current() {
    return this.position < 0 ? -1 : this.rows[this.position]
  }

  get asking() {
    return this.who.open
  }

  open(store, login) {
    this.store = store
    this.login = login
    this.selection = new Selection(store.n)
  }

  // Say what there is to see, around the map.
  describe({ n, size }, fitted) {
    const { sourceNames } = this.store
    const modes = MODES.filter(({ key }) => key !== "source" || sourceNames.length > 1)
    this.find(".mode").replaceChildren(...modes.map(({ key, title }) => element("option", { value: key }, title)))
    this.find(".of-train ~ span").textContent = `Training ${count(n)}`
    this.find(".of-validation ~ span").textContent = `Validation ${count(size - n)}`
    this.find(".over").setAttribute("aria-label", `Map of ${count(n)} training and ${count(size - n)} validation images. ` +
      "Draw around images to select them; by keyboard, select classes in the legend.")
    this.find(".hint").textContent = "Images that look alike lie together; distances across the map mean little." +
      (fitted < size ? ` Drawn from ${count(fitted)} images, the others placed among them.` : "")
  }

  named(act) {
    if (this.login || kept.read("localStorage", REVIEWER_KEY) !== null) return act()
    this.waiting = act
    this.who.ask()
  }

  answered() {
    this.store.setReviewer(this.who.name)
    const act = this.waiting
    this.waiting = null
    act?.()
    this.focusGrid()
  }

  // `rows`, worst first, and how many validation images were selected with them.
  show(rows, others) {
    this.rows = rows
    this.selection.clear()
    const parts = [...(rows.length ? [manyImages(rows.length)] : []), ...(others ? [`${count(others)} validation`] : [])]
    this.find("h3").textContent = parts.join(" · ") || "Nothing selected"
    this.find(".choice .open").hidden = !rows.length
    this.find(".choice .clear").hidden = !parts.length
    this.find(".empty").hidden = rows.length > 0
    this.find(".picked .grid").hidden = !rows.length
    this.find(".bulk").hidden = !rows.length
    this.find(".empty p").hidden = !others
    this.grid.cursor = -1
    this.grid.show(this.store, rows, "small")
    this.grid.top = 0
    this.moveTo(rows.length ? 0 : -1)
    this.actions.selectionChanged()
  }

  // -- moving ------------------------------------------------------------------------------------

  select(position, { range = false, toggle = false } = {}) {
    if (range) this.actions.extendTo(position)
    else if (toggle) this.actions.toggle(position)
    else this.actions.selectNone()
    this.moveTo(position)
    this.focusGrid()
  }

  moveTo(position) {
    this.position = position
    this.grid.moveTo(position)
    if (this.actions.zoom.open) this.actions.zoom.draw(this.store, this.current)
    this.hooks.current()
  }

  moveBy(step) {
    if (this.rows.length) this.moveTo(Math.min(this.rows.length - 1, Math.max(0, this.position + step)))
  }

  focusGrid() {
    this.grid.view.focus({ preventScroll: true })
  }

  say(sentence) {
    this.hooks.say(sentence)
  }

  // -- legend ------------------------------------------------------------------------------------

  legend(coloring, rows) {
    const all = coloring.tally()
    const within = rows ? coloring.tally(rows) : null
    const list = element("div", { class: "entries" })
    coloring.entries.forEach(({ name, color }, k) => {
      const swatch = element("i", { class: "swatch" })
      swatch.style.background = color
      const amountOf = within && all[k] ? `${count(within[k])} of ${count(all[k])}` : count(all[k])
      const entry = element("button", { type: "button", class: "entry", title: `Select ${name}` },
        swatch, element("span", {}, name), element("span", { class: "n" }, amountOf))
      entry.disabled = !all[k]
      entry.classList.toggle("none", within ? !within[k] : !all[k])
      entry.onclick = event => this.hooks.entry(k, event.shiftKey ? "add" : event.altKey ? "less" : "only")
      list.append(entry)
    })
    const parts = coloring.mode === "value" ? [this.scale(coloring), list] : [list]
    if (coloring.limited) {
      parts.push(element("p", { class: "quiet" }, `${SLOTS} classes have a color at a time; a click gives one to another.`))
    }
    // Who works it by keyboard stays on the entry.
    const legend = this.find(".legend")
    const at = [...legend.querySelectorAll(".entry")].indexOf(legend.getRootNode().activeElement)
    legend.replaceChildren(...parts)
    if (at >= 0) list.children[at]?.focus({ preventScroll: true })
  }

  scale(coloring) {
    const { neutral } = coloring.store
    const bar = element("div", { class: "ramp", role: "img", "aria-label": "Colors from harmful over neutral to helpful" })
    const stops = Array.from({ length: 11 }, (_, k) => {
      const at = 4 * Math.round((k / 10) * RAMP)
      return css([...coloring.palette.bytes.subarray(at, at + 3)])
    })
    bar.style.background = `linear-gradient(90deg, ${stops.join(", ")})`
    const [low, high] = [neutral - coloring.below, neutral + coloring.above]
    return element("div", { class: "scale" }, bar,
      element("div", { class: "ends" }, element("span", {}, `${amount(low)} or less`),
        element("span", {}, amount(neutral)), element("span", {}, `${amount(high)} or more`)))
  }

  close() {
    this.closed = true
    this.actions.close()
    this.who.remove()
    this.grid.close()
  }
}
