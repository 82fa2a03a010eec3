// All mixes where a triangle cannot show them: of two sources a curve, of many parallel coordinates.

const STRIP = { left: 46, right: 16, top: 14, bottom: 36, height: 300 }

// Accuracy over the share of the first of two sources.
class TwoSources {
  constructor(hooks) {
    this.root = element("div", { class: "strip" })
    this.seen = new ResizeObserver(() => this.draw())
    this.seen.observe(this.root)
    whileHeld(this.root, x => {
      const share = linear(STRIP.left, this.root.clientWidth - STRIP.right, 0, 1)(x)
      hooks.mix(normalized([share, 1 - share]))
    })
  }

  paint(field, names, buyable) {
    Object.assign(this, { field, names, buyable })
    this.low = Math.min(...field.accuracy)
    this.high = Math.max(...field.accuracy)
    this.draw()
  }

  mark({ here, best }) {
    Object.assign(this, { here, best })
    this.draw()
  }

  draw() {
    const width = this.root.clientWidth
    if (!this.field || !this.here || !width) return
    const { left, right, top, bottom, height } = STRIP
    const { accuracy, steps } = this.field
    const pad = Math.max(0.1 * (this.high - this.low), 0.005)
    const x = linear(0, 1, left, width - right)
    const y = linear(this.low - pad, this.high + pad, height - bottom, top)
    const at = share => accuracy[Math.round(share * steps)]
    const rules = marks(this.low - pad, this.high + pad).flatMap(one => [
      svg("line", { class: "rule", x1: left, x2: width - right, y1: y(one), y2: y(one) }),
      svg("text", { x: left - 6, y: y(one) + 4, "text-anchor": "end" }, `${Number((100 * one).toFixed(1))} %`)])
    const ticks = [0, 0.25, 0.5, 0.75, 1].map(share =>
      svg("text", { x: x(share), y: height - bottom + 16, "text-anchor": "middle" }, `${100 * share} %`))
    const places = accuracy.map((one, k) => [x(k / steps), y(one)])
    const buyable = places.filter((_, k) => this.buyable([k / steps, 1 - k / steps]))
    const best = this.best ? [svg("path", { class: "optimum", d: diamond([x(this.best[0]), y(at(this.best[0]))], 7) })] : []
    this.root.replaceChildren(svg("svg", { width, height, role: "img", "aria-label": `Accuracy by the share of ${this.names[0]}` },
      ...rules, ...ticks, svg("path", { class: "line out", d: pathOf(places) }), svg("path", { class: "line", d: pathOf(buyable) }), ...best,
      svg("circle", { class: "me", cx: x(this.here[0]), cy: y(at(this.here[0])), r: 7 }),
      svg("text", { x: (left + width - right) / 2, y: height - 3, "text-anchor": "middle" }, `share of ${short(this.names[0], 40)}`)))
  }

  close() {
    this.seen.disconnect()
  }
}

// A line a mix: its share of each source, and its accuracy as the color.
class Parallel {
  constructor(hooks) {
    this.still = svg("g")
    this.marks = svg("g") // what a slider moves: the lines are many, and stay
    this.drawn = svg("svg", { height: STRIP.height, role: "img", "aria-label": "Shares and accuracy of many mixes" }, this.still, this.marks)
    this.root = element("div", { class: "strip" }, this.drawn)
    this.seen = new ResizeObserver(() => this.draw())
    this.seen.observe(this.root)
    this.root.onclick = event => {
      const row = event.target.dataset?.row
      if (row != null) hooks.mix(this.spread.p[Number(row)])
    }
  }

  paint(spread, names) {
    Object.assign(this, { spread, names })
    this.low = Math.min(...spread.accuracy)
    this.high = Math.max(...spread.accuracy)
    this.draw()
  }

  mark({ here, best }) {
    Object.assign(this, { here, best })
    this.drawMarks()
  }

  along(p) {
    return pathOf(p.map((share, s) => [this.x(s), this.y(share)]))
  }

  draw() {
    const width = this.root.clientWidth
    if (!this.spread || !width) return
    const { left, right, top, bottom, height } = STRIP
    this.x = linear(0, this.names.length - 1, left, width - right)
    this.y = linear(0, 1, height - bottom, top)
    this.drawn.setAttribute("width", width)
    const shares = [0, 0.5, 1].map(share =>
      svg("text", { x: left - 8, y: this.y(share) + 4, "text-anchor": "end" }, `${100 * share} %`))
    this.still.replaceChildren(...this.uprights(), ...shares, ...this.lines())
    this.drawMarks()
  }

  uprights() {
    const last = this.names.length - 1
    const room = Math.max(3, Math.floor((this.x(1) - this.x(0)) / 6.4))
    return this.names.flatMap((name, s) => [
      svg("line", { class: "tick", x1: this.x(s), x2: this.x(s), y1: this.y(0), y2: this.y(1) }),
      svg("text", { x: this.x(s), y: this.y(0) + (s % 2 ? 29 : 16), "text-anchor": s === 0 ? "start" : s === last ? "end" : "middle" },
        svg("title", {}, name), short(name, 2 * room))])
  }

  // The best on top.
  lines() {
    const { p, accuracy } = this.spread
    const scale = lossScale(this.low, this.high)
    const order = accuracy.map((_, k) => k).sort((a, b) => accuracy[a] - accuracy[b])
    return order.map(k => {
      const line = svg("path", { class: "mixed", d: this.along(p[k]), stroke: cividis(scale(accuracy[k])) },
        svg("title", {}, `${mixWords(p[k], this.names)}: ${percentText(clipped(accuracy[k]))}`))
      line.dataset.row = k
      return line
    })
  }

  drawMarks() {
    if (!this.here || !this.x) return
    const best = this.best ? ["topmost under", "topmost"].map(kind => svg("path", { class: kind, d: this.along(this.best) })) : []
    this.marks.replaceChildren(...best, svg("path", { class: "mine", d: this.along(this.here) }),
      ...this.here.map((share, s) => svg("circle", { class: "mine", cx: this.x(s), cy: this.y(share), r: 3.5 })))
  }

  close() {
    this.seen.disconnect()
  }
}
