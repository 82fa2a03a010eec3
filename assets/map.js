// The map: both sets in the plane, beside the images that are selected among them.
//
// As in the review, Streamlit runs the default export again whenever its data or the theme changes;
// it must then neither rebuild anything nor lose the place.

const REACH_PX = 9 // how far the pointer may be from the image that it means
const SAVED_POINTS = 50000 // larger selections are not kept over a reload
const LAYERS = [".of-train", ".of-validation"]

shared.maps ??= new Map() // key of a map -> its positions, and the labels of the validation images

class MapView {
  constructor(parent) {
    this.parent = parent
    this.root = parent.querySelector(".map")
    this.find = selector => this.root.querySelector(selector)
    this.over = this.find(".over")
    this.camera = new Camera()
    this.overlay = new Overlay(this.over, this.camera)
    this.renderer = rendererOn(this.find(".points"))
    this.renderer.restored = () => this.recolor()
    this.root.dataset.renderer = this.renderer.constructor.name
    this.gestures = new Gestures(this.over, this.camera, {
      outline: (corners, how) => this.selectPoints(this.points.inside(corners), how),
      click: (px, py, how) => this.clicked(px, py, how),
      hover: (px, py) => this.hover(px, py),
      moved: () => this.moved(),
      drawn: () => this.drawOver(),
    })
    this.frame = new Frame(this.root, { store: () => this.store, leave: () => this.save() })
    this.panel = new Panel(this.root, {
      say: sentence => this.frame.say(sentence),
      missing: row => this.frame.whyMissing(this.store.pictureUrl("train", row, 256), () => this.panel.grid.drawMissing()),
      entry: (k, how) => this.selectEntry(k, how),
      current: () => this.drawOver(),
    })
    this.keys = new MapKeys(this)
    this.bind()
  }

  bind() {
    this.resized = new ResizeObserver(() => this.resize())
    this.resized.observe(this.find(".plane"))
    const tools = this.root.querySelectorAll("[data-tool]")
    for (const button of tools) button.onclick = () => this.use(button.dataset.tool)
    this.find(".mode").onchange = event => this.color(event.target.value)
    this.find(".fit").onclick = () => this.fit()
    for (const layer of LAYERS) this.find(layer).onchange = () => this.showLayers()
    this.find(".clear").onclick = () => this.selectPoints([], "only")
    this.find(".open").onclick = () => this.openInReview()
    this.find(".notice button").onclick = () => this.retry()
  }

  // -- opening -----------------------------------------------------------------------------------

  // Called on every run of the script and on every change of theme.
  update(data, toReview) {
    this.data = data
    this.toReview = toReview
    this.frame.fit()
    if (this.run !== data.run || this.mapKey !== data.map) this.open(data)
    else if (this.loaded) this.color(this.mode)
  }

  async open(data) {
    const { run, base, map } = data
    this.unlisten?.()
    Object.assign(this, { run, base, mapKey: map, loaded: false, hovered: -1 })
    this.panel.loaded = false
    this.card = new Card(this.find(".card"), this.camera, base)
    this.root.dataset.state = "loading"
    const store = storeOf(data)
    try {
      const [known] = await Promise.all([geometryOf(base, map, shared.maps), store.ready])
      if (this.run !== run || this.closed) return
      this.start(store, known)
    } catch (error) {
      if (this.run === run) this.notice(`The map could not be loaded. ${error.message}`)
    }
  }

  start(store, [positions, labels]) {
    this.store = store
    this.points = new MapPoints(positions, store.n)
    const size = this.points.size
    this.states = new Uint8Array(size).fill(SHOWN)
    this.chosen = new Uint8Array(size)
    this.coloring = new Coloring(store, labels, size)
    this.renderer.setGeometry(this.points, store.order.toReversed())
    this.camera.half = this.points.half
    this.names = this.points.anchors(store.labels, store.classes.length)
      .map((anchor, label) => [store.classes[label], anchor]).filter(([, anchor]) => anchor)
    this.card.open(store, this.points, labels)
    this.panel.open(store, this.data.login)
    if (store.hasPictures) store.picture(store.order[0]) // so that the server has the set open by then
    this.unlisten = store.listen(change => this.changed(change))
    this.panel.describe(this.points, this.data.fitted)
    this.restore()
    this.changed({ queue: true })
  }

  retry() {
    forgetStore(this.run)
    this.find(".notice").hidden = true
    this.open(this.data)
  }

  notice(sentence) {
    this.root.dataset.state = "failed"
    this.find(".notice").hidden = false
    this.find(".notice p").textContent = sentence
  }

  // -- colors ------------------------------------------------------------------------------------

  async color(mode) {
    this.mode = MODES.some(known => known.key === mode) ? mode : "value"
    this.find(".mode").value = this.mode
    const style = getComputedStyle(this.root)
    const [ink, ground] = [rgb(style.color), rgb(getComputedStyle(this.find(".plane")).backgroundColor)]
    const turn = (this.turn = Symbol("one coloring at a time"))
    await this.coloring.use(this.mode, ink, ground)
    if (turn !== this.turn || this.closed) return
    this.recolor()
    this.showLegend()
    this.loaded = true
    this.panel.loaded = true
    this.root.dataset.state = "ready"
    this.remember()
  }

  recolor() {
    this.renderer.setCodes(this.coloring.codes, this.coloring.palette.bytes)
    this.renderer.setStates(this.states)
    this.draw()
  }

  showLegend() {
    this.panel.legend(this.coloring, this.anyChosen ? this.panel.rows : null)
  }

  showLayers() {
    const { points, states, chosen } = this
    const train = this.find(".of-train").checked
    const validation = this.find(".of-validation").checked
    for (let i = 0; i < points.size; i += 1) {
      const shown = i < points.n ? train : validation
      states[i] = shown ? (chosen[i] ? CHOSEN : SHOWN) : HIDDEN
    }
    this.renderer.setStates(states)
    this.draw()
    this.remember()
  }

  // -- selecting ---------------------------------------------------------------------------------

  clicked(px, py, how) {
    const i = this.under(px, py)
    if (i < 0 && how !== "only") return
    this.selectPoints(i < 0 ? [] : [i], how)
  }

  under(px, py) {
    const [x, y] = this.camera.toMap(px, py)
    return this.points.nearest(x, y, REACH_PX / this.camera.scale, i => this.states[i] !== HIDDEN)
  }

  selectEntry(k, how) {
    const { entryOf, entries } = this.coloring
    const rows = []
    for (let row = 0; row < this.store.n; row += 1) if (entryOf(row) === k) rows.push(row)
    const { group } = entries[k]
    const relit = group !== undefined && entries.length > SLOTS && this.coloring.light(group)
    this.selectPoints(rows, how)
    if (relit) this.color(this.mode)
  }

  // Select these points, add them, or take them away; what is hidden cannot be selected.
  selectPoints(points, how) {
    const { chosen, states } = this
    if (how === "only") chosen.fill(0)
    for (const i of points) if (states[i] !== HIDDEN) chosen[i] = how === "less" ? 0 : 1
    this.showSelection()
  }

  showSelection() {
    const { chosen, store, points } = this
    let others = 0
    for (let i = points.n; i < points.size; i += 1) others += chosen[i]
    const rows = store.order.filter(row => chosen[row] === 1)
    this.anyChosen = rows.length + others > 0
    this.panel.show(rows, others)
    this.showLayers()
    this.showLegend()
    if (rows.length) this.panel.say(`${manyImages(rows.length)} selected.`)
  }

  async openInReview() {
    const rows = Array.from(this.panel.rows)
    const button = this.find(".open")
    button.disabled = true
    try {
      this.toReview(await keepSelection(this.base, rows))
    } catch (error) {
      this.panel.actions.tell(`The selection could not be opened. ${error.message}`)
    } finally {
      button.disabled = false
    }
  }

  // -- what changes ------------------------------------------------------------------------------

  changed({ rows, queue, ids, columns }) {
    if (queue) this.frame.showQueue(this.store.queue)
    if (columns) this.panel.grid.markAll()
    if (ids) {
      this.panel.grid.markRows(ids, true)
      if (ids.includes(this.hovered)) this.card.show(this.hovered)
    }
    if (!rows) return
    this.panel.grid.markRows(rows)
    if (this.mode !== "decision" || !this.loaded) return
    for (const row of rows) this.coloring.codes[row] = this.store.states.verdicts[row]
    this.recolor()
    this.showLegend()
  }

  // -- pointing ----------------------------------------------------------------------------------

  hover(px, py) {
    if (!this.loaded) return
    const found = px === null || this.gestures.drag ? -1 : this.under(px, py)
    if (found === this.hovered) return
    this.hovered = found
    this.card.show(found)
    this.drawOver()
  }

  // -- tools -------------------------------------------------------------------------------------

  hold(held) {
    this.gestures.held = held
    this.over.classList.toggle("held", held)
  }

  use(tool) {
    this.gestures.tool = tool
    this.over.dataset.tool = tool
    for (const button of this.root.querySelectorAll("[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool))
    }
    if (this.loaded) this.remember()
  }

  fit() {
    this.camera.fit()
    this.moved()
  }

  // What the pointer is on has moved from under it.
  moved() {
    this.hover(null)
    this.draw()
  }

  panBy(dx, dy) {
    this.camera.moveBy(dx, dy)
    this.moved()
  }

  zoomBy(factor) {
    this.camera.zoomBy(factor, this.camera.width / 2, this.camera.height / 2)
    this.moved()
  }

  // -- drawing -----------------------------------------------------------------------------------

  draw() {
    if (!this.points || this.drawing) return
    this.drawing = requestAnimationFrame(() => {
      this.drawing = null
      if (this.closed || !this.coloring.palette) return
      this.renderer.draw(this.camera, this.anyChosen)
      this.drawOver()
      this.root.dataset.drawn = String(Number(this.root.dataset.drawn ?? 0) + 1)
      this.remember()
    })
  }

  drawOver() {
    if (!this.points || !this.coloring.palette) return
    const { points, names } = this
    const rings = [this.panel.current, this.hovered].filter(i => i >= 0)
    this.overlay.draw({ points, names, rings, palette: this.coloring.palette, trace: this.gestures.trace })
  }

  resize() {
    const { clientWidth, clientHeight } = this.find(".plane")
    if (!clientWidth || !clientHeight) return
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1)
    Object.assign(this.camera, { width: clientWidth, height: clientHeight, ratio })
    for (const canvas of [this.find(".points"), this.over]) {
      canvas.width = Math.round(clientWidth * ratio)
      canvas.height = Math.round(clientHeight * ratio)
    }
    if (this.loaded) this.draw()
  }

  // -- what is remembered ------------------------------------------------------------------------

  get memory() {
    return `assay.map.${this.run}`
  }

  remember() {
    if (!this.loaded) return
    clearTimeout(this.remembering)
    this.remembering = setTimeout(() => this.save(), 250)
  }

  save() {
    if (!this.loaded || this.closed) return
    const points = []
    for (let i = 0; i < this.chosen.length && points.length <= SAVED_POINTS; i += 1) {
      if (this.chosen[i]) points.push(i)
    }
    const { x, y, zoom } = this.camera
    kept.write("sessionStorage", this.memory, {
      map: this.mapKey, mode: this.mode, tool: this.gestures.tool, view: { x, y, zoom },
      hidden: LAYERS.filter(layer => !this.find(layer).checked),
      points: points.length <= SAVED_POINTS ? points : [],
    })
  }

  async restore() {
    const saved = kept.read("sessionStorage", this.memory, {})
    const same = saved.map === this.mapKey
    if (same) Object.assign(this.camera, saved.view)
    for (const layer of LAYERS) {
      this.find(layer).checked = !(saved.hidden ?? []).includes(layer)
    }
    this.use(saved.tool ?? "lasso")
    this.resize()
    await this.color(saved.mode ?? "value")
    this.showLayers()
    this.selectPoints(same ? saved.points : [], "only")
  }

  close() {
    this.frame.close()
    this.closed = true
    this.keys.close()
    clearTimeout(this.remembering)
    this.resized.disconnect()
    this.unlisten?.()
    this.panel.close()
    this.renderer.close()
  }
}

export default function map({ data, parentElement, setTriggerValue }) {
  const view = viewIn(parentElement, MapView)
  view.update(data, selection => setTriggerValue("review", selection))
  return () => view.close()
}
