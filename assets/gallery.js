// The review: a grid of ranked images beside an inspector, worked by keyboard.
//
// Streamlit runs the default export again whenever its data or the theme changes; it must then
// neither rebuild anything nor lose the place. What is known of a run outlives the component: it is
// kept by run id in the page.

const BUSY_AFTER_MS = 250

class View {
  constructor(parent) {
    this.parent = parent
    this.root = parent.querySelector(".review")
    this.find = selector => this.root.querySelector(selector)
    this.rows = new Uint32Array()
    this.position = -1
    this.selection = new Selection(0)
    this.filterKey = null
    this.frame = new Frame(this.root, { store: () => this.store, leave: () => this.leave() })
    this.actions = new Actions(this)
    this.grid = new Grid(this.root, {
      select: (position, how) => this.select(position, how),
      enlarge: () => this.actions.enlarge(),
      marked: row => this.selection.has(row),
      failed: row => this.pictureFailed(row),
      scrolled: () => this.remember(),
    })
    this.inspector = new Inspector(this.root, {
      act: (verdict, label) => this.actions.decide(verdict, label),
      undo: () => this.actions.undo(),
      relabel: () => this.actions.relabel(),
      note: () => this.actions.note(),
      enlarge: () => this.actions.enlarge(),
      link: row => this.address(row),
      written: () => this.focusGrid(),
      settled: row => this.rows[this.position] === row && evidenceAhead(this.store, this.rows, this.position),
    })
    const progressButton = this.find(".progress-open")
    this.progress = new ProgressPanel(this.root, {
      toggled: open => progressButton.setAttribute("aria-expanded", String(open)),
      closed: () => this.focusGrid(),
    })
    progressButton.onclick = () => this.progress.toggle()
    this.keyboard = new Keyboard(this, this.actions)
    this.who = new WhoWindow(this.root, () => this.named(this.who.name))
    this.help = new HelpWindow(this.root, () => this.focusGrid())
    this.bind()
    this.setDensity(kept.read("localStorage", "assay.density") ?? "medium")
  }

  bind() {
    for (const button of this.root.querySelectorAll("[data-density]")) {
      button.onclick = () => this.setDensity(button.dataset.density)
    }
    this.find(".ask").onclick = () => this.help.ask()
    const reviewer = this.find(".reviewer")
    reviewer.onchange = () => this.named(reviewer.value.trim() || "reviewer")
    reviewer.onkeydown = event => {
      if (event.key === "Enter") this.focusGrid()
    }
  }

  // Called on every run of the script and on every change of theme.
  update(data, clearFilters) {
    this.data = data
    this.clearFilters = clearFilters
    this.frame.fit()
    if (this.store?.run !== data.run) this.open(data)
    else if (this.loaded) this.follow(data)
  }

  async follow({ scores }) {
    if (scores !== this.scores) {
      this.scores = scores
      await this.store.reloadScores().catch(() => {}) // the order then stays by value
    }
    this.applyFilters()
  }

  open(data) {
    this.unlisten?.()
    const store = (this.store = storeOf(data))
    const { login } = data
    this.scores = data.scores
    this.loaded = false
    this.frame.explained = false
    this.filterKey = null
    this.showReviewer(login)
    this.unlisten = store.listen(change => this.changed(change))
    this.root.dataset.state = "loading"
    store.ready.then(
      () => {
        if (this.store !== store || this.closed) return
        this.loaded = true
        this.root.dataset.state = "ready"
        this.selection = new Selection(store.n)
        this.progress.use(store)
        this.applyFilters()
        this.changed({ queue: true })
      },
      error => {
        if (this.store === store) this.failed(`The images could not be loaded. ${error.message}`)
      },
    )
  }

  retry() {
    forgetStore(this.store.run)
    this.notice(null)
    this.open(this.data)
  }

  // The name comes from the login where there is one; else it is asked for once in a browser.
  showReviewer(login) {
    const field = this.find(".reviewer")
    field.value = this.store.reviewer
    field.disabled = Boolean(login)
    field.title = login ? "From your login" : "Kept with each of your decisions"
    if (!login && kept.read("localStorage", REVIEWER_KEY) === null) this.who.ask()
  }

  named(name) {
    this.find(".reviewer").value = name
    this.store.setReviewer(name)
    this.focusGrid()
  }

  get asking() {
    return this.who.open || this.help.open
  }

  async applyFilters() {
    const { filters = {}, focus = null } = this.data
    const key = JSON.stringify(filters)
    const saved = kept.read("sessionStorage", this.viewKey(), {})
    const fresh = this.filterKey === null
    const jump = focus !== null && focus !== (fresh ? saved.focus : this.focus) ? focus : null
    this.focus = focus
    if (key === this.filterKey && jump === null) return
    this.filterKey = key
    const { store } = this
    const turn = (this.turn = Symbol("one selection at a time"))
    const slow = setTimeout(() => this.root.toggleAttribute("data-busy", true), BUSY_AFTER_MS)
    let rows, wanted
    try {
      [rows, wanted] = await Promise.all([store.select(filters), jump === null ? null : store.rowOfId(jump)])
    } catch (error) {
      if (turn === this.turn) this.failed(`The filter could not be applied. ${error.message}`)
      return
    } finally {
      clearTimeout(slow)
      if (turn === this.turn) this.root.removeAttribute("data-busy")
    }
    if (turn !== this.turn || this.closed) return
    // Another filter keeps the place; another order begins at its beginning.
    const turned = !fresh && this.order !== filters.order
    this.order = filters.order
    const place = fresh ? (saved.row ?? this.firstOpen(rows)) : turned ? null : this.rows[this.position]
    this.showRows(rows, wanted ?? place, wanted != null)
    if (fresh && jump === null && saved.top) this.grid.view.scrollTop = saved.top
    if (fresh) this.arrive()
  }

  // Where a browser that knows no place goes on: at the first image that nobody has decided.
  firstOpen(rows) {
    return rows.find(row => this.store.state(row)[0] === UNDECIDED)
  }

  // Who came by a link is at the pictures now; who works another control stays there.
  arrive() {
    const { activeElement } = document
    if (!this.asking && (activeElement === document.body || activeElement.matches("a"))) this.focusGrid()
  }

  // Show `rows`, with `wanted` selected where it is among them; a link to an image shows it anyway.
  showRows(rows, wanted, anyway) {
    let position = wanted == null ? -1 : rows.indexOf(wanted)
    if (position < 0 && anyway) {
      const others = rows
      rows = new Uint32Array(others.length + 1)
      rows[0] = wanted
      rows.set(others, 1)
      position = 0
    }
    this.rows = rows
    this.actions.selectNone() // what cannot be seen must not be decided
    const first = rows[Math.max(0, position)]
    if (first !== undefined && this.store.hasPictures) this.store.picture(first) // ahead of the tiles
    this.grid.cursor = -1
    this.grid.view.scrollTop = 0
    this.grid.show(this.store, rows, this.density)
    this.notice(rows.length ? null : "No image fits these filters.", "Clear the filters", () => this.clearFilters())
    this.moveTo(rows.length ? Math.max(0, position) : -1)
    this.tally()
  }

  changed({ rows, queue, ids, columns }) {
    if (queue) this.frame.showQueue(this.store.queue)
    if (!this.loaded) return
    if (queue && !this.store.queue.pending.length) this.inspector.history.settled()
    if (columns) {
      this.grid.markAll()
      if (this.inspector.row >= 0) this.inspector.mark()
    }
    if (ids) {
      this.grid.markRows(ids, true)
      if (ids.includes(this.inspector.row)) this.inspector.showId()
    }
    if (!rows) return
    this.grid.markRows(rows)
    if (rows.includes(this.inspector.row)) this.inspector.mark()
    this.inspector.back.disabled = !this.store.undoStack.length
    this.drawZoom()
    this.tally()
  }

  drawZoom() {
    if (this.actions.zoom.open) this.actions.zoom.draw(this.store, this.rows[this.position] ?? -1)
  }

  tally() {
    const { counts, n } = this.store
    const decided = counts.remove + counts.keep + counts.unsure + counts.relabel
    const parts = Object.entries(counts)
      .filter(([, n]) => n)
      .map(([verdict, n]) => `${count(n)} ${VERDICTS[verdict].done.toLowerCase()}`)
    const images = this.rows.length === n ? `${count(n)} images` : `${count(this.rows.length)} of ${count(n)} images`
    const filtered = filterWords(this.store, this.data.filters ?? {})
    const text = `${[images, ...filtered].join(", ")} · ${decided ? `${count(decided)} decided: ${parts.join(", ")}` : "none decided yet"}`
    this.find(".tally").textContent = text
    const carried = Object.values(this.store.carried ?? {}).reduce((sum, n) => sum + n, 0)
    this.find(".tally").title = carried ? `${manyImages(carried)} decided on other data that hold them, too` : ""
  }

  // -- moving ------------------------------------------------------------------------------------

  select(position, { range = false, toggle = false } = {}) {
    if (range) this.actions.extendTo(position)
    else if (toggle) {
      this.actions.toggle(position)
      this.moveTo(position)
    } else {
      this.actions.selectNone()
      this.moveTo(position)
    }
    this.focusGrid()
  }

  focusGrid() {
    this.grid.view.focus({ preventScroll: true })
  }

  moveTo(position) {
    this.position = position
    this.grid.moveTo(position)
    const row = position < 0 ? -1 : this.rows[position]
    this.inspector.show(this.store, row)
    if (row >= 0) picturesAhead(this.store, this.rows, position)
    this.drawZoom()
    this.remember()
  }

  moveBy(step) {
    const last = this.rows.length - 1
    if (last >= 0) this.moveTo(Math.min(last, Math.max(0, this.position + step)))
  }

  // -- around ------------------------------------------------------------------------------------

  setDensity(density) {
    this.density = density in DENSITIES ? density : "medium"
    kept.write("localStorage", "assay.density", this.density)
    this.root.dataset.density = this.density
    for (const button of this.root.querySelectorAll("[data-density]")) {
      button.setAttribute("aria-pressed", String(button.dataset.density === this.density))
    }
    if (!this.loaded) return
    this.grid.show(this.store, this.rows, this.density)
    this.grid.moveTo(this.position)
  }

  viewKey() {
    return `assay.view.${this.store.run}`
  }

  remember() {
    clearTimeout(this.remembering)
    if (this.closed) return
    this.remembering = setTimeout(() => this.rememberNow(), 60)
  }

  rememberNow() {
    if (!this.loaded || this.position < 0) return
    clearTimeout(this.remembering)
    const row = this.rows[this.position]
    kept.write("sessionStorage", this.viewKey(), { row, top: this.grid.scrolledTo, focus: this.focus })
  }

  // Whoever goes back to the page soon after a key finds the place where that key led.
  leave() {
    this.rememberNow()
    this.inspector.save()
  }

  address(row) {
    const url = new URL(location.href)
    url.search = new URLSearchParams({ run: this.store.run, image: this.store.idOf(row) })
    url.hash = ""
    return url.href
  }

  async pictureFailed(row) {
    const why = await this.frame.whyMissing(this.store.pictureUrl("train", row, 256), () => {
      this.grid.drawMissing()
      this.inspector.drawMissing()
    })
    if (why) this.inspector.showTrouble(why)
  }

  failed(sentence) {
    this.notice(sentence, "Try again", () => this.retry())
    this.root.dataset.state = "failed"
  }

  // A sentence in place of the images, with a button that helps; null for none.
  notice(sentence, offer, help) {
    const notice = this.find(".notice")
    notice.hidden = !sentence
    notice.querySelector("p").textContent = sentence ?? ""
    const button = notice.querySelector("button")
    button.textContent = offer ?? ""
    button.onclick = help
  }

  say(sentence) {
    this.frame.say(sentence)
  }

  close() {
    this.closed = true
    this.frame.close()
    this.keyboard.close()
    this.actions.close()
    for (const open of [this.who, this.help]) open.remove()
    this.unlisten?.()
    this.progress.close()
    this.inspector.close()
    this.grid.close()
  }
}

export default function review({ data, parentElement, setTriggerValue }) {
  const view = viewIn(parentElement, View)
  view.update(data, () => setTriggerValue("clear", true))
  return () => view.close()
}
