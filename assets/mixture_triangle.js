// The simplex of three corners as a heat map of accuracy, with the best mix and the climb to it.
//
// A corner is a ratio: a source, or what is left of the mix without two of them. A place in the
// triangle is three weights of sum 1.

const MARGIN = { side: 10, top: 26, bottom: 26 }
const SLOPE = Math.sqrt(3) / 2
const TALLEST_TRIANGLE = 262

class Triangle {
  // hooks: mix(p) is asked for by a click or a drag; over(p, accuracy) where the pointer is, or over().
  constructor(hooks) {
    this.canvas = element("canvas", {})
    this.over = svg("svg", { role: "img" })
    this.plane = element("div", { class: "triangle" }, this.canvas, this.over)
    this.root = this.plane
    this.seen = new ResizeObserver(() => this.draw())
    this.seen.observe(this.plane)
    whileHeld(this.plane, (x, y) => this.field && hooks.mix(blended(this.field.corners, this.weightsAt(x, y))))
    whileOver(this.plane, (x, y) => this.field && hooks.over(...this.nodeAt(x, y)), () => hooks.over())
  }

  // field: accuracies on a lattice; names: of the corners; buyable(p): whether such a mix can be had.
  paint(field, names, buyable) {
    Object.assign(this, { field, names, buyable })
    this.low = Math.min(...field.accuracy)
    this.high = Math.max(...field.accuracy)
    this.plane.style.height = `${TALLEST_TRIANGLE + MARGIN.top + MARGIN.bottom - 12}px`
    this.draw()
  }

  // Ratios that are marked: the mix itself, the best one and the climb to it, those that were trained.
  mark({ here, best, path, trained }) {
    Object.assign(this, { here, best, path, trained })
    this.drawOver()
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.plane
    if (!this.field || !width) return
    const side = Math.min(width - 2 * MARGIN.side, (height - MARGIN.top - MARGIN.bottom) / SLOPE)
    Object.assign(this, { side, left: (width - side) / 2, base: MARGIN.top + side * SLOPE })
    const ratio = Math.min(2, globalThis.devicePixelRatio || 1)
    this.canvas.width = Math.round(width * ratio)
    this.canvas.height = Math.round(height * ratio)
    const pen = this.canvas.getContext("2d")
    pen.setTransform(ratio, 0, 0, ratio, 0, 0)
    this.fill(pen)
    this.drawOver()
  }

  fill(pen) {
    const { steps, accuracy, corners } = this.field
    const scale = lossScale(this.low, this.high)
    for (const nodes of cells(steps)) {
      const mean = nodes.reduce((sum, [, , row]) => sum + accuracy[row], 0) / 3
      const weights = [0, 1].map(k => nodes.reduce((sum, node) => sum + node[k], 0) / (3 * steps))
      const middle = [...weights, 1 - weights[0] - weights[1]]
      const places = nodes.map(([i, j]) => this.place([i / steps, j / steps, 1 - (i + j) / steps]))
      pen.globalAlpha = this.buyable(blended(corners, middle)) ? 1 : 0.22
      pen.fillStyle = pen.strokeStyle = cividis(scale(mean))
      pen.beginPath()
      places.forEach(([x, y], k) => (k ? pen.lineTo(x, y) : pen.moveTo(x, y)))
      pen.closePath()
      pen.fill()
      if (pen.globalAlpha === 1) pen.stroke() // no seams
    }
  }

  place([first, second, third]) {
    return [this.left + (second + third / 2) * this.side, this.base - third * SLOPE * this.side, first]
  }

  weightsAt(x, y) {
    const third = (this.base - y) / (SLOPE * this.side)
    const second = (x - this.left) / this.side - third / 2
    return normalized([1 - second - third, second, third])
  }

  // The nearest ratio of the lattice, and its accuracy.
  nodeAt(x, y) {
    const { steps, accuracy, corners } = this.field
    const [first, second] = this.weightsAt(x, y)
    const i = Math.round(first * steps)
    const j = Math.min(Math.round(second * steps), steps - i)
    const weights = [i / steps, j / steps, 1 - (i + j) / steps]
    return [blended(corners, weights), accuracy[i * (steps + 1) - (i * (i - 1)) / 2 + j]]
  }

  // The weights of a ratio in the corners; null where it does not lie in the triangle's plane.
  weightsOf(p) {
    const [a, b] = this.field.corners.map(corner => corner.findIndex(share => share > 1 - 1e-9))
    const weights = [p[a], p[b], 1 - p[a] - p[b]]
    return distanceBetween(blended(this.field.corners, weights), p) < 0.005 ? weights : null
  }

  drawOver() {
    if (!this.field || !this.side || !this.here) return
    const at = p => { const weights = this.weightsOf(p); return weights && this.place(weights) }
    const corner = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(weights => this.place(weights))
    const outline = `${pathOf(corner)}Z`
    const trained = this.trained.map(at).filter(Boolean)
    const climb = this.path.map(at)
    const drawn = [svg("path", { class: "outline", d: outline }),
      ...trained.map(([x, y]) => svg("circle", { class: "trained", cx: x, cy: y, r: 2 }))]
    if (climb.every(Boolean) && climb.length > 1) {
      drawn.push(svg("path", { class: "climb under", d: pathOf(climb) }), svg("path", { class: "climb", d: pathOf(climb) }))
    }
    const best = this.best && at(this.best)
    if (best) drawn.push(svg("path", { class: "optimum", d: diamond(best, 7) }))
    const here = at(this.here)
    if (here) drawn.push(svg("circle", { class: "me under", cx: here[0], cy: here[1], r: 7 }),
      svg("circle", { class: "me", cx: here[0], cy: here[1], r: 7 }))
    const room = Math.floor(this.plane.clientWidth / 15)
    const named = (k, x, y, anchor) =>
      svg("text", { x, y, "text-anchor": anchor, class: "corner" }, short(this.names[k], room))
    drawn.push(named(0, 0, this.base + 18, "start"), named(1, this.plane.clientWidth, this.base + 18, "end"),
      named(2, corner[2][0], corner[2][1] - 10, "middle"))
    this.over.replaceChildren(...drawn)
    this.over.setAttribute("aria-label", `Accuracy over ${this.names.join(", ")}`)
  }

  close() {
    this.seen.disconnect()
  }
}

const diamond = ([x, y], r) => `M${x} ${y - r}L${x + r} ${y}L${x} ${y + r}L${x - r} ${y}Z`
const short = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name)

// The small triangles of a lattice, each as three nodes (i, j, row): shares i/steps and j/steps of the
// first two corners, in the order of `core.projection.lattice`.
function* cells(steps) {
  const start = [0]
  for (let i = 0; i <= steps; i += 1) start.push(start[i] + steps - i + 1)
  const node = (i, j) => [i, j, start[i] + j]
  for (let i = 0; i < steps; i += 1) {
    for (let j = 0; i + j < steps; j += 1) {
      yield [node(i, j), node(i + 1, j), node(i, j + 1)]
      if (i + j < steps - 1) yield [node(i + 1, j), node(i + 1, j + 1), node(i, j + 1)]
    }
  }
}
