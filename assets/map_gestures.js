// What the pointer does on the map: draws an outline, moves the map, zooms, points at an image.

const CLICK_PX = 4 // a shorter drag is a click
const STEP_PX = 3 // between two corners of a lasso
const MOST_ZOOM = 400

class Camera {
  constructor() {
    Object.assign(this, { x: 0, y: 0, zoom: 1, width: 1, height: 1, ratio: 1, half: [1, 1] })
  }

  // Pixels a unit of the map.
  get scale() {
    const [across, up] = this.half
    return 0.94 * this.zoom * Math.min(this.width / 2 / across, this.height / 2 / up)
  }

  toMap(px, py) {
    return [this.x + (px - this.width / 2) / this.scale, this.y - (py - this.height / 2) / this.scale]
  }

  toScreen(x, y) {
    return [this.width / 2 + (x - this.x) * this.scale, this.height / 2 - (y - this.y) * this.scale]
  }

  moveBy(dx, dy) {
    this.x = Math.max(-1.5, Math.min(1.5, this.x - dx / this.scale))
    this.y = Math.max(-1.5, Math.min(1.5, this.y + dy / this.scale))
  }

  // What is under (px, py) stays there.
  zoomBy(factor, px, py) {
    const [x, y] = this.toMap(px, py)
    this.zoom = Math.max(0.5, Math.min(MOST_ZOOM, this.zoom * factor))
    const [nowX, nowY] = this.toMap(px, py)
    this.x += x - nowX
    this.y += y - nowY
  }

  fit() {
    Object.assign(this, { x: 0, y: 0, zoom: 1 })
  }
}

class Gestures {
  // hooks: outline(corners, how), click(px, py, how), hover(px, py) or hover(null), moved(), drawn().
  // `how` is "only", "add" (Shift) or "less" (Alt); corners are of the map, `trace` is of the screen.
  constructor(canvas, camera, hooks) {
    Object.assign(this, { canvas, camera, hooks, tool: "lasso", trace: null, held: false })
    canvas.onpointerdown = event => this.down(event)
    canvas.onpointermove = event => this.move(event)
    canvas.onpointerup = event => this.up(event)
    canvas.onpointercancel = () => this.cancel()
    canvas.onpointerleave = () => hooks.hover(null)
    canvas.oncontextmenu = event => event.preventDefault()
    canvas.addEventListener("wheel", event => this.wheel(event), { passive: false })
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect()
    return [event.clientX - box.left, event.clientY - box.top]
  }

  down(event) {
    this.canvas.focus({ preventScroll: true })
    const moves = this.tool === "move" || this.held || event.button !== 0
    const at = this.at(event)
    this.drag = { start: at, last: at, moves, far: false, button: event.button }
    this.canvas.setPointerCapture(event.pointerId)
    this.hooks.hover(null)
    event.preventDefault()
  }

  move(event) {
    const at = this.at(event)
    const { drag } = this
    if (!drag) return this.hooks.hover(...at)
    drag.far ||= Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) > CLICK_PX
    if (!drag.far) return
    if (drag.moves) {
      this.camera.moveBy(at[0] - drag.last[0], at[1] - drag.last[1])
      drag.last = at
      this.hooks.moved()
    } else if (this.tool === "box") {
      const [[left, top], [right, bottom]] = [drag.start, at]
      this.trace = [left, top, right, top, right, bottom, left, bottom]
      this.hooks.drawn()
    } else {
      this.trace ??= [...drag.start]
      if (Math.hypot(at[0] - drag.last[0], at[1] - drag.last[1]) < STEP_PX) return
      this.trace.push(...at)
      drag.last = at
      this.hooks.drawn()
    }
  }

  up(event) {
    const { drag, trace } = this
    this.cancel()
    if (!drag) return
    const how = event.shiftKey ? "add" : event.altKey ? "less" : "only"
    if (!drag.far) {
      if (drag.button === 0) this.hooks.click(...this.at(event), how)
    } else if (trace?.length >= 6) {
      const corners = new Float64Array(trace.length)
      for (let k = 0; k < trace.length; k += 2) {
        [corners[k], corners[k + 1]] = this.camera.toMap(trace[k], trace[k + 1])
      }
      this.hooks.outline(corners, how)
    }
  }

  // Returns whether there was something to stop.
  cancel() {
    const drawing = Boolean(this.trace)
    this.drag = null
    this.trace = null
    if (drawing) this.hooks.drawn()
    return drawing
  }

  wheel(event) {
    event.preventDefault()
    const lines = event.deltaMode === 1 ? 16 : 1
    this.camera.zoomBy(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0022), ...this.at(event))
    this.hooks.moved()
  }
}
