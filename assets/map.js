// The map: both sets in the plane, beside the images that are selected among them.
//
// As in the review, Streamlit runs the default export again whenever its data or the theme changes;
// it must then neither rebuild anything nor lose the place.

const BELOW = 16 // px left free below the component
const LEAST = 460
const REACH_PX = 9 // how far the pointer may be from the image that it means
const CARD = 148
const SAVED_ROWS = 50000 // larger selections are not kept over a reload
const ZOOM_STEP = 1.4

const shared = (globalThis.__assayReview ??= { stores: new Map(), views: new WeakMap() })
shared.maps ??= new Map() // run -> its positions and validation images

class MapView {
  constructor(parent) {
    this.parent = parent
    this.root = parent.querySelector(".map")
    this.find = selector => this.root.querySelector(selector)
    this.over = this.find(".over")
    this.pen = this.over.getContext("2d")
    this.camera = new Camera()
    this.renderer = rendererOn(this.find(".points"))
    this.renderer.restored = () => this.recolor()
    this.root.dataset.renderer = this.renderer.constructor.name
    this.ids = new Map() // of validation images
    this.gestures = new Gestures(this.over, this.camera, {
      outline: (corners, how) => this.selectPoints(this.points.inside(corners), how),
      click: (px, py, how) => this.clicked(px, py, how),
      hover: (px, py) => this.hover(px, py),
      moved: () => this.draw(),
      drawn: () => this.drawOver(),
    })
    this.panel = new Panel(this.root, {
      entry: (k, how) => this.selectEntry(k, how),
      current: () => this.drawOver(),
      say: sentence => this.say(sentence),
    })
    this.bind()
  }

  bind() {
    this.onKey = event => this.key(event)
    this.onKeyUp = event => event.key === " " && this.hold(false)
    globalThis.addEventListener("keydown", this.onKey, true) // before Streamlit's own shortcuts
    globalThis.addEventListener("keyup", this.onKeyUp, true)
    this.onResize = () => this.fill()
    globalThis.addEventListener("resize", this.onResize)
    this.onReturn = () => document.visibilityState === "visible" && this.store?.refresh()
    document.addEventListener("visibilitychange", this.onReturn)
    this.resized = new ResizeObserver(() => this.resize())
    this.resized.observe(this.find(".plane"))
    for (const button of this.root.querySelectorAll("[data-tool]")) {
      button.onclick = () => this.use(button.dataset.tool)
    }
    this.find(".mode").onchange = event => this.color(event.target.value)
    this.find(".fit").onclick = () => this.fit()
    for (const layer of [".of-train", ".of-validation"]) {
      this.find(layer).onchange = () => this.showLayers()
    }
    this.find(".clear").onclick = () => this.selectPoints([], "only")
    this.find(".open").onclick = () => this.openInReview()
    this.find(".notice button").onclick = () => this.retry()
  }

  // -- opening -----------------------------------------------------------------------------------

  // Called on every run of the script and on every change of theme.
  update(data, toReview) {
    this.data = data
    this.toReview = toReview
    this.fill()
    if (this.run !== data.run || this.mapKey !== data.map) this.open(data)
    else if (this.loaded) this.color(this.mode)
  }

  async open({ run, base, map }) {
    this.unlisten?.()
    Object.assign(this, { run, base, mapKey: map, loaded: false })
    this.root.dataset.state = "loading"
    let store = shared.stores.get(run)
    if (store) store.refresh()
    else {
      store = new ReviewStore(run, base)
      shared.stores.set(run, store)
    }
    try {
      const [known] = await Promise.all([this.geometry(), store.ready])
      if (this.run !== run || this.closed) return
      this.start(store, known)
    } catch (error) {
      if (this.run === run) this.notice(`The map could not be loaded. ${error.message}`)
    }
  }

  // Positions and validation images, asked for once in the life of the page.
  geometry() {
    const { base, mapKey } = this
    let known = shared.maps.get(mapKey)
    if (!known) {
      known = Promise.all([
        fetchRows(`${base}/map/${mapKey}/positions`, Float32Array),
        fetchRows(`${base}/map/validation/label`, Uint16Array),
        fetchRows(`${base}/map/validation/value`, Float32Array),
      ])
      known.catch(() => shared.maps.delete(mapKey))
      shared.maps.set(mapKey, known)
    }
    return known
  }

  start(store, [positions, labels, values]) {
    this.store = store
    this.validation = { labels, values }
    this.points = new MapPoints(positions, store.n)
    const size = this.points.size
    this.states = new Uint8Array(size).fill(SHOWN)
    this.chosen = new Uint8Array(size)
    this.coloring = new Coloring(store, labels, size)
    this.renderer.setGeometry(this.points, store.order.toReversed())
    this.camera.half = this.halves(positions)
    this.anchors = this.points.anchors(store.labels, store.classes.length)
    this.panel.open(store)
    this.unlisten = store.listen(change => this.changed(change))
    this.labelControls()
    this.restore()
    this.changed({ queue: true })
  }

  halves(positions) {
    const half = [0.05, 0.05]
    for (let k = 0; k < positions.length; k += 1) {
      half[k % 2] = Math.max(half[k % 2], Math.abs(positions[k]))
    }
    return half
  }

  labelControls() {
    const { store, points } = this
    const single = store.sourceNames.length < 2
    this.find(".mode").replaceChildren(...MODES.filter(mode => mode.key !== "source" || !single)
      .map(mode => element("option", { value: mode.key }, mode.title)))
    this.find(".of-train ~ span").textContent = `Training ${count(points.n)}`
    this.find(".of-validation ~ span").textContent = `Validation ${count(points.size - points.n)}`
    this.over.setAttribute("aria-label", `Map of ${count(points.n)} training and ${count(points.size - points.n)} validation images. ` +
      "Draw around images to select them; by keyboard, select classes in the legend.")
    const { fitted } = this.data
    this.find(".hint").textContent = "Images that look alike lie together; distances across the map mean little." +
      (fitted < points.size ? ` Drawn from ${count(fitted)} images, the others placed among them.` : "")
  }

  retry() {
    shared.stores.get(this.run)?.queue.close()
    shared.stores.delete(this.run)
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
    if (rows.length) this.say(`${count(rows.length)} images selected.`)
  }

  async openInReview() {
    const rows = Array.from(this.panel.rows)
    const button = this.find(".open")
    button.disabled = true
    try {
      const answer = await fetch(`${this.base}/selections`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-Assay": "1" },
        body: JSON.stringify(rows),
      })
      const { selection, error } = await answer.json()
      if (!answer.ok) throw new Error(error)
      this.toReview(selection)
    } catch (error) {
      this.say(`The selection could not be opened. ${error.message}`, true)
    } finally {
      button.disabled = false
    }
  }

  // -- what changes ------------------------------------------------------------------------------

  changed({ rows, queue, ids }) {
    if (queue) {
      const { kind, text } = this.store.queue.state()
      this.find(".saved").dataset.kind = kind
      this.find(".saved").textContent = text
    }
    if (ids) {
      this.panel.grid.markRows(ids, true)
      if (ids.includes(this.hovered)) this.showCard()
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
    this.showCard()
    this.drawOver()
  }

  showCard() {
    const card = this.find(".card")
    const i = this.hovered
    card.hidden = i === undefined || i < 0
    if (card.hidden) return
    const { store, points } = this
    const training = i < points.n
    const row = training ? i : i - points.n
    const label = training ? store.labels[row] : this.validation.labels[row]
    const parts = []
    if (store.hasPictures) parts.push(this.cardPicture(training ? "train" : "validation", row))
    parts.push(element("b", {}, store.classes[label]))
    if (training) {
      const like = store.looksLike[row]
      if (like !== label) parts.push(element("span", {}, `looks like ${store.classes[like]}`))
      const dot = element("i", { class: `dot ${store.hurts(row) ? "hurts" : "helps"}` })
      parts.push(element("span", {}, dot, `Value ${amount(store.values[row])}`))
      const state = store.state(row)
      if (state[0] !== UNDECIDED) parts.push(badge(state))
    } else parts.push(element("span", {}, "Validation image"))
    parts.push(element("span", { class: "quiet" }, training ? store.idOf(row) : this.validationId(row)))
    card.replaceChildren(...parts)
    const [x, y] = this.camera.toScreen(points.xy[2 * i], points.xy[2 * i + 1])
    const { offsetWidth, offsetHeight } = card
    card.style.left = `${x + 14 + offsetWidth > this.camera.width ? x - 14 - offsetWidth : x + 14}px`
    card.style.top = `${Math.max(4, Math.min(this.camera.height - offsetHeight - 4, y - offsetHeight / 2))}px`
  }

  // The same element as long as the same image is pointed at: nothing flickers.
  cardPicture(side, row) {
    const url = this.store.pictureUrl(side, row, 256)
    if (this.pictured?.url !== url) {
      const image = element("img", { alt: "", width: CARD, height: CARD })
      image.onload = () => image.classList.toggle("pixelated", pixelated(image))
      image.src = url
      this.pictured = { url, image }
    }
    return this.pictured.image
  }

  validationId(row) {
    if (!this.ids.has(row)) {
      this.ids.set(row, "")
      fetchJson(`${this.base}/map/validation/ids/${row}`).then(({ id }) => {
        this.ids.set(row, id)
        if (this.hovered === this.points.n + row) this.showCard()
      }, () => this.ids.delete(row))
    }
    return this.ids.get(row)
  }

  // -- keys --------------------------------------------------------------------------------------

  key(event) {
    if (!this.loaded || this.closed || event.defaultPrevented || this.root.querySelector("dialog[open]:not(.zoom)")) return
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
    const target = event.composedPath()[0]
    if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && target.type !== "checkbox") return
    if (target.closest?.("[role=dialog], [role=menu], [role=listbox]") && !this.root.contains(target)) return
    const inside = this.root.contains(target)
    const press = target.tagName === "BUTTON" || target.type === "checkbox" || (!inside && target !== document.body)
    const letter = this.letters[event.key.length === 1 ? event.key.toLowerCase() : event.key === "Escape" ? "Escape" : ""]
    const run = letter ?? (press ? undefined : this.moves[event.key])
    if (!run) return
    event.preventDefault()
    event.stopImmediatePropagation()
    run(event)
  }

  get letters() {
    const { panel } = this
    return {
      k: () => panel.act("keep"),
      r: () => panel.act("remove"),
      u: () => panel.act("unsure"),
      l: () => panel.relabel(),
      a: () => panel.selectAll(),
      z: event => panel.undo(event.shiftKey),
      1: () => this.use("lasso"),
      2: () => this.use("box"),
      3: () => this.use("move"),
      0: () => this.fit(),
      "+": () => this.zoomBy(ZOOM_STEP),
      "=": () => this.zoomBy(ZOOM_STEP),
      "-": () => this.zoomBy(1 / ZOOM_STEP),
      Escape: () => this.escape(),
    }
  }

  get moves() {
    const { panel, camera } = this
    const { grid } = panel
    const onMap = this.root.getRootNode().activeElement === this.over
    const step = (dx, dy, by) => () => {
      if (!onMap) return panel.moveBy(by)
      camera.moveBy(dx, dy)
      this.draw()
    }
    return {
      ArrowLeft: step(60, 0, -1),
      ArrowRight: step(-60, 0, 1),
      ArrowUp: step(0, 60, -grid.columns),
      ArrowDown: step(0, -60, grid.columns),
      " ": event => (onMap ? this.hold(true) : event.repeat || panel.zoom.draw(this.store, panel.current)),
    }
  }

  escape() {
    if (this.gestures.cancel()) return
    if (this.panel.zoom.open) this.panel.zoom.close()
    else if (!this.panel.letGo()) this.selectPoints([], "only")
  }

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
    this.draw()
  }

  zoomBy(factor) {
    this.camera.zoomBy(factor, this.camera.width / 2, this.camera.height / 2)
    this.draw()
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
    const { pen, camera } = this
    pen.setTransform(camera.ratio, 0, 0, camera.ratio, 0, 0)
    pen.clearRect(0, 0, camera.width, camera.height)
    if (!this.points || !this.coloring.palette) return
    const { ink, ground } = this.coloring.palette
    this.drawNames(css(ink), css(ground))
    this.drawRing(this.panel.current, css(ink), 2)
    this.drawRing(this.hovered ?? -1, css(ink), 1.5)
    const { trace } = this.gestures
    if (!trace) return
    pen.beginPath()
    for (let k = 0; k < trace.length; k += 2) pen.lineTo(trace[k], trace[k + 1])
    pen.closePath()
    pen.fillStyle = `color-mix(in srgb, ${css(ink)} 8%, transparent)`
    pen.fill()
    pen.lineWidth = 1.5
    pen.setLineDash([5, 3])
    pen.strokeStyle = css(ink)
    pen.stroke()
    pen.setLineDash([])
  }

  // The name of each class where it is densest, unless another name is there already.
  drawNames(ink, ground) {
    const { pen, camera, store, anchors } = this
    pen.font = `600 12px ${getComputedStyle(this.root).fontFamily}`
    pen.textAlign = "center"
    pen.textBaseline = "middle"
    pen.lineWidth = 4
    pen.lineJoin = "round"
    const taken = []
    anchors.forEach((anchor, label) => {
      if (!anchor) return
      const [x, y] = camera.toScreen(...anchor)
      const half = pen.measureText(store.classes[label]).width / 2 + 4
      const clash = taken.some(([at, line, wide]) => Math.abs(at - x) < wide + half && Math.abs(line - y) < 16)
      if (clash || x < 0 || y < 0 || x > camera.width || y > camera.height) return
      taken.push([x, y, half])
      pen.strokeStyle = ground
      pen.strokeText(store.classes[label], x, y)
      pen.fillStyle = ink
      pen.fillText(store.classes[label], x, y)
    })
  }

  drawRing(i, ink, width) {
    if (i < 0) return
    const { pen, camera, points } = this
    const [x, y] = camera.toScreen(points.xy[2 * i], points.xy[2 * i + 1])
    pen.beginPath()
    pen.arc(x, y, discRadius(points.size, camera.zoom) + 4, 0, 2 * Math.PI)
    pen.lineWidth = width
    pen.strokeStyle = ink
    pen.stroke()
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

  // Fill the window down to its lower edge.
  fill() {
    const scroller = this.root.getRootNode().host?.closest("[data-testid=stMain]")
    const top = this.root.getBoundingClientRect().top + (scroller?.scrollTop ?? 0)
    this.root.style.height = `${Math.max(LEAST, Math.floor(innerHeight - top - BELOW))}px`
  }

  say(sentence) {
    clearTimeout(this.saying)
    this.saying = setTimeout(() => { this.find(".live").textContent = sentence }, 120)
  }

  // -- what is remembered ------------------------------------------------------------------------

  get memory() {
    return `assay.map.${this.run}`
  }

  remember() {
    if (!this.loaded) return
    clearTimeout(this.remembering)
    this.remembering = setTimeout(() => {
      if (this.closed) return
      const points = []
      for (let i = 0; i < this.chosen.length && points.length <= SAVED_ROWS; i += 1) {
        if (this.chosen[i]) points.push(i)
      }
      const { x, y, zoom } = this.camera
      kept.write("sessionStorage", this.memory, {
        map: this.mapKey, mode: this.mode, tool: this.gestures.tool, view: { x, y, zoom },
        hidden: [".of-train", ".of-validation"].filter(layer => !this.find(layer).checked),
        points: points.length <= SAVED_ROWS ? points : [],
      })
    }, 250)
  }

  async restore() {
    const saved = kept.read("sessionStorage", this.memory, {})
    const same = saved.map === this.mapKey
    if (same) Object.assign(this.camera, saved.view)
    for (const layer of [".of-train", ".of-validation"]) {
      this.find(layer).checked = !(saved.hidden ?? []).includes(layer)
    }
    this.use(saved.tool ?? "lasso")
    this.resize()
    await this.color(saved.mode ?? "value")
    this.showLayers()
    this.selectPoints(same ? saved.points : [], "only")
  }

  close() {
    this.closed = true
    globalThis.removeEventListener("keydown", this.onKey, true)
    globalThis.removeEventListener("keyup", this.onKeyUp, true)
    globalThis.removeEventListener("resize", this.onResize)
    document.removeEventListener("visibilitychange", this.onReturn)
    this.resized.disconnect()
    this.unlisten?.()
    this.panel.close()
    this.renderer.close()
  }
}

export default function map({ data, parentElement, setTriggerValue }) {
  let view = shared.views.get(parentElement)
  if (!view || view.closed || !parentElement.contains(view.root)) {
    view?.close()
    view = new MapView(parentElement)
    shared.views.set(parentElement, view)
  }
  view.update(data, selection => setTriggerValue("review", selection))
  return () => view.close()
}
