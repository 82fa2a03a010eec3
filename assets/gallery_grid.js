// The grid: only the tiles in view are in the document, however many images there are.

const DENSITIES = { small: 84, medium: 118, large: 176 } // least width of a tile, px
const GAP = 8
const CAPTION = { small: 18, medium: 36, large: 36 }
const OVERSCAN = 2 // rows of tiles kept above and below the view
// Browsers give up on taller elements; beyond it, one pixel of scrolling stands for several.
const TALLEST = 8000000
const PIXELATED_BELOW = 100 // natural size up to which single pixels are worth seeing

const VERDICTS = {
  keep: { done: "Kept", icon: "M3 8.5 6.5 12 13 4.5" },
  remove: { done: "Removed", icon: "M4 4 12 12M12 4 4 12" },
  unsure: { done: "Unsure", icon: "M5.5 6a2.5 2.5 0 1 1 3.6 2.2C8.3 8.7 8 9.2 8 10M8 12.6v.2" },
  relabel: { done: "Relabelled", icon: "M2.5 8.5V3h5.5l5.5 5.5-5.5 5.5zM5.4 5.9v.1" },
}
const SIGNS = {
  flagged: "M4 14V2.5M4 3h8l-2 3 2 3H4",
  disputed: "M2 5.5h9.5M8.5 2.5l3 3-3 3M14 10.5H4.5M7.5 7.5l-3 3 3 3",
  noted: "M2.5 3h11v7.5H8L5 13.5v-3H2.5z",
}

function badge([verdict, label]) {
  const { done, icon: path } = VERDICTS[verdict]
  const text = verdict === "relabel" ? label : done
  return element("span", { class: `badge ${verdict}` }, icon(path), element("span", {}, text))
}

// Small signs in the corner of a picture, each with its words.
function signs(store, row) {
  const found = []
  const flags = store.flaggedBy(row)
  if (flags.length) found.push(["flagged", `Also flagged by ${flags.join(", ")}`])
  if (store.disputed(row)) found.push(["disputed", `Reviewers disagree: ${store.states.reviewersOf(row).join(", ")}`])
  if (store.noted(row)) found.push(["noted", "Has a note"])
  return found
}

// What can be decided with one key.
const ACTIONS = [
  ["keep", "Keep", "K"],
  ["remove", "Remove", "R"],
  ["unsure", "Unsure", "U"],
]

// A button that says which key does the same.
function actButton(label, key, run, verdict = "") {
  const made = element("button", { type: "button", class: `act ${verdict}`, "aria-keyshortcuts": key === "Esc" ? "Escape" : key },
    ...(VERDICTS[verdict] ? [icon(VERDICTS[verdict].icon)] : []), element("span", {}, label), element("kbd", { "aria-hidden": "true" }, key))
  made.onclick = run
  return made
}

const pixelated = image => Math.max(image.naturalWidth, image.naturalHeight) <= PIXELATED_BELOW

class Grid {
  // hooks: select(position, { range, toggle }) on a click, enlarge(position) on a double click;
  // failed(row) when a picture cannot be loaded; scrolled(); marked(row) says what is selected
  // beside the current image. All but select and failed may be left out.
  constructor(root, hooks) {
    this.view = root.querySelector(".grid")
    this.sheet = root.querySelector(".sheet")
    this.hooks = hooks
    this.rows = []
    this.tiles = new Map() // position -> tile
    this.cursor = -1
    this.density = "medium"
    this.columns = 1
    this.baseLine = 0
    this.view.onscroll = () => this.draw()
    this.view.onclick = event => {
      const tile = event.target.closest(".tile")
      if (!tile) return
      const how = { range: event.shiftKey, toggle: event.ctrlKey || event.metaKey }
      hooks.select(Number(tile.dataset.position), how)
    }
    this.view.ondblclick = event => {
      const tile = event.target.closest(".tile")
      if (tile && !event.shiftKey && !event.ctrlKey) hooks.enlarge?.(Number(tile.dataset.position))
    }
    this.resized = new ResizeObserver(() => this.layout())
    this.resized.observe(this.view)
  }

  show(store, rows, density) {
    this.store = store
    this.rows = rows
    this.density = density
    this.clear()
    this.layout()
  }

  clear() {
    for (const tile of this.tiles.values()) tile.remove()
    this.tiles.clear()
  }

  layout() {
    if (!this.store) return
    const style = getComputedStyle(this.view)
    const inner = this.view.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight)
    if (inner <= 0) return
    const columns = Math.max(1, Math.floor((inner + GAP) / (DENSITIES[this.density] + GAP)))
    const width = Math.floor((inner - GAP * (columns - 1)) / columns)
    const changed = columns !== this.columns || width !== this.width || this.laidOut !== this.density
    Object.assign(this, { columns, width, laidOut: this.density })
    this.height = width + CAPTION[this.density]
    this.step = this.height + GAP
    const lines = Math.ceil(this.rows.length / columns)
    this.length = Math.max(0, lines * this.step - GAP)
    this.sheet.style.height = `${Math.min(this.length, TALLEST)}px`
    if (changed) {
      this.clear()
      if (this.cursor >= 0) this.reveal(this.cursor)
    }
    this.draw()
  }

  // Pixels that the tiles move for each that the view is scrolled: 1 up to a great height.
  get scale() {
    if (this.length <= TALLEST) return 1
    const room = this.view.clientHeight
    return (this.length - room) / (Math.min(this.length, TALLEST) - room)
  }

  get top() {
    return this.view.scrollTop * this.scale
  }

  set top(top) {
    this.view.scrollTop = Math.max(0, top) / this.scale
  }

  // Where the scroll bar stands for more than it can reach, tiles are placed relative to a line
  // near the view, and the sheet is moved to make up for the rest.
  anchor() {
    if (this.length <= TALLEST) {
      this.baseLine = 0
      this.sheet.style.transform = ""
      return
    }
    const line = Math.floor(this.top / this.step)
    if (Math.abs(line - this.baseLine) > 2000) {
      this.baseLine = line
      this.clear()
    }
    this.sheet.style.transform = `translateY(${this.view.scrollTop - this.top + this.baseLine * this.step}px)`
  }

  // Bring the document in line with what is in view.
  draw() {
    if (!this.store || !this.step) return
    this.anchor()
    const { top } = this
    if (this.view.isConnected) this.scrolledTo = this.view.scrollTop // lost with its place in the page
    const first = Math.max(0, Math.floor(top / this.step) - OVERSCAN) * this.columns
    const lines = Math.ceil(this.view.clientHeight / this.step) + 2 * OVERSCAN + 1
    const last = Math.min(this.rows.length, first + lines * this.columns)
    for (const [position, tile] of this.tiles) {
      if (position >= first && position < last) continue
      tile.querySelector("img")?.removeAttribute("src") // stops a request under way
      tile.remove()
      this.tiles.delete(position)
    }
    const fresh = document.createDocumentFragment()
    for (let position = first; position < last; position += 1) {
      if (!this.tiles.has(position)) fresh.append(this.tile(position))
    }
    if (fresh.childNodes.length) this.sheet.append(fresh)
    this.hooks.scrolled?.()
  }

  tile(position) {
    const { store } = this
    const row = this.rows[position]
    const name = store.classes[store.labels[row]]
    const frame = element("div", { class: "frame" })
    if (store.hasPictures) {
      const image = element("img", { alt: "", decoding: "async", draggable: "false" })
      image.onload = () => image.classList.toggle("pixelated", pixelated(image))
      image.onerror = () => {
        if (!image.getAttribute("src")) return
        frame.classList.add("missing")
        image.remove()
        this.hooks.failed(row)
      }
      image.src = store.pictureUrl("train", row, 256)
      frame.append(image)
    } else {
      frame.append(element("span", { class: "id" }, store.idOf(row)))
    }
    const tile = element(
      "div",
      { class: "tile", role: "option", id: `tile-${position}`, "aria-setsize": this.rows.length,
        "aria-posinset": position + 1 },
      frame,
      this.caption(row, name),
    )
    tile.dataset.position = position
    tile.dataset.row = row
    const style = tile.style
    style.width = `${this.width}px`
    style.height = `${this.height}px`
    style.left = `${(position % this.columns) * (this.width + GAP)}px`
    style.top = `${(Math.floor(position / this.columns) - this.baseLine) * this.step}px`
    this.tiles.set(position, tile)
    this.mark(position)
    return tile
  }

  caption(row, name) {
    const { store } = this
    const label = element("span", { class: "label" }, name)
    const like = store.looksLike[row]
    if (like !== store.labels[row]) label.append(element("i", {}, `like ${store.classes[like]}`))
    const worth = element("span", { class: `value ${store.hurts(row) ? "hurts" : "helps"}` }, amount(store.values[row]))
    return element("div", { class: "caption" }, label, worth)
  }

  // Bring one tile's decision and selection up to date.
  mark(position) {
    const tile = this.tiles.get(position)
    if (!tile) return
    const { store } = this
    const row = this.rows[position]
    const state = store.state(row)
    const decided = state[0] !== UNDECIDED
    tile.dataset.verdict = decided ? state[0] : ""
    tile.querySelector(".badge")?.remove()
    if (decided) tile.querySelector(".frame").append(badge(state))
    const shown = signs(store, row)
    tile.querySelector(".signs")?.remove()
    if (shown.length) {
      tile.querySelector(".frame").append(element("div", { class: "signs" }, ...shown.map(([sign, words]) => {
        const mark = element("span", { class: sign, title: words })
        mark.append(icon(SIGNS[sign]))
        return mark
      })))
    }
    const chosen = position === this.cursor
    const marked = this.hooks.marked?.(row) ?? false
    tile.classList.toggle("chosen", chosen)
    tile.classList.toggle("marked", marked)
    tile.setAttribute("aria-selected", String(chosen || marked))
    const words = [...(decided ? [VERDICTS[state[0]].done] : []), ...shown.map(sign => sign[1])]
    const said = words.map(word => `, ${word[0].toLowerCase()}${word.slice(1)}`).join("")
    const like = store.looksLike[row]
    const name = store.classes[store.labels[row]] + (like === store.labels[row] ? "" : `, looks like ${store.classes[like]}`)
    const id = store.idOf(row)
    tile.title = id
    tile.setAttribute("aria-label", `${name}, value ${amount(store.values[row])}${said}, ${id}`)
  }

  markRows(rows, ids = false) {
    const wanted = new Set(rows)
    for (const position of this.tiles.keys()) {
      if (!wanted.has(this.rows[position])) continue
      this.mark(position)
      const id = ids && this.tiles.get(position).querySelector(".frame .id")
      if (id) id.textContent = this.store.idOf(this.rows[position])
    }
  }

  // Those without their picture are drawn anew: it may be there by now.
  drawMissing() {
    for (const [position, tile] of this.tiles) {
      if (!tile.querySelector(".frame.missing")) continue
      tile.remove()
      this.tiles.delete(position)
    }
    this.draw()
  }

  markAll() {
    for (const position of this.tiles.keys()) this.mark(position)
  }

  moveTo(position) {
    const before = this.cursor
    this.cursor = position
    this.mark(before)
    if (position < 0) {
      this.view.removeAttribute("aria-activedescendant")
      return
    }
    this.reveal(position)
    this.draw()
    this.mark(position)
    this.view.setAttribute("aria-activedescendant", `tile-${position}`)
  }

  reveal(position) {
    if (!this.step) return
    const top = Math.floor(position / this.columns) * this.step
    const scrollTop = this.top
    const { clientHeight } = this.view
    const room = Math.min(this.step / 2, Math.max(0, (clientHeight - this.height) / 2))
    if (top < scrollTop + 4) this.top = top - room
    else if (top + this.height > scrollTop + clientHeight - 4) {
      this.top = top + this.height + room - clientHeight
    }
  }

  get page() {
    return this.columns * Math.max(1, Math.floor(this.view.clientHeight / (this.step || 1)))
  }

  close() {
    this.resized.disconnect()
    this.clear()
  }
}
