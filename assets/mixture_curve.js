// Accuracy against the number of images: what was measured, what is projected, and how sure that is.

const FRAME = { left: 52, right: 14, top: 20, bottom: 38 }
// Measured mixtures that differ in less of their images count as this one; else the nearest does, if
// it is not too far.
const NEAR = 0.1
const NEAREST = 0.25
const SAME = 0.02
const HEIGHT = 268
const INSET = 8 // so that the axis does not cut the first points
const LEGEND = "Large points were measured at mixes close to this one, small ones at others. Drag to choose a size."

class Curve {
  // hooks: size(n) is asked for by a click or a drag.
  constructor(root, about, hooks) {
    this.about = about
    this.headline = element("h3", {})
    this.detail = element("p", { class: "detail quiet" })
    this.warning = element("p", { class: "warning" })
    this.apart = element("p", { class: "quiet" })
    this.against = element("p", { class: "against" })
    this.plane = element("div", { class: "plane" })
    this.legend = element("p", { class: "small quiet" }, LEGEND)
    root.replaceChildren(this.headline, this.detail, this.warning, this.apart, this.against, this.plane, this.legend)
    this.seen = new ResizeObserver(() => this.redraw())
    this.seen.observe(this.plane)
    whileHeld(this.plane, x => hooks.size(this.sizeAt(x)))
    whileOver(this.plane, x => this.read(x), () => { this.legend.textContent = LEGEND })
  }

  get bounds() {
    const { sizes } = this.about
    return [sizes[0], sizes.at(-1)]
  }

  sizeAt(px) {
    const [low, high] = this.bounds
    const place = linear(FRAME.left + INSET, this.plane.clientWidth - FRAME.right, Math.log(low), Math.log(high))
    return Math.round(Math.exp(Math.min(Math.max(place(px), Math.log(low)), Math.log(high))))
  }

  // `shown`: the answer for this mix; `kept`: the one for the mix that it is compared with, or null.
  // warning: why the mix cannot be bought; apart: who disagrees about it.
  show(shown, kept, { warning, apart }) {
    Object.assign(this, { shown, kept })
    for (const [line, text] of [[this.warning, warning], [this.apart, apart]]) {
      line.hidden = !text
      line.textContent = text
    }
    this.say()
    this.redraw()
  }

  say() {
    const { shown, kept, about } = this
    const { accuracy, low, high } = shown.at
    this.headline.replaceChildren(element("strong", {}, percentText(clipped(accuracy))),
      `\u2002accuracy at ${manyImages(shown.n)}`)
    const cut = low < 0 || high > 1 ? ", cut at the ends of the scale" : ""
    const facts = [`${Math.round(100 * about.level)} % interval ${spanText(low, high)}${cut}`]
    if (shown.cost != null) facts.push(money(shown.cost, about.currency))
    const distance = element("span", { title: "How far the mix is from the validation set, by optimal transport: smaller is closer" },
      `OT distance ${amount(shown.distance)}`)
    this.detail.replaceChildren(`${facts.join(" · ")} · `, distance)
    this.against.hidden = !kept
    if (!kept) return
    const gain = clipped(accuracy) - clipped(kept.at.accuracy)
    const cost = shown.cost != null && kept.cost != null ? `, costs ${money(kept.cost, about.currency)}` : ""
    const overlap = low < kept.at.high && kept.at.low < high ? "; the intervals overlap" : ""
    this.against.textContent = `Kept mix ${mixWords(kept.p, about.names)}: ${percentText(clipped(kept.at.accuracy))} (${spanText(kept.at.low, kept.at.high)})${cost}. `
      + (Math.abs(gain) < 5e-4 ? "This one reaches the same."
        : `This one is ${Math.abs(100 * gain).toFixed(1)} points ${gain < 0 ? "below" : "above"} it${overlap}.`)
  }

  // What the curve says where the pointer is.
  read(px) {
    if (!this.shown) return
    const { sizes } = this.about
    const size = this.sizeAt(px)
    const k = sizes.reduce((near, one, i) => (Math.abs(Math.log(one / size)) < Math.abs(Math.log(sizes[near] / size)) ? i : near), 0)
    const at = ({ curve }) => `${percentText(clipped(curve.accuracy[k]))} (${spanText(curve.low[k], curve.high[k])})`
    this.legend.textContent = `${manyImages(sizes[k])}: ${at(this.shown)}${this.kept ? `; kept mix: ${at(this.kept)}` : ""}`
  }

  redraw() {
    const width = this.plane.clientWidth
    if (!this.shown || !width) return
    const { left, right, top, bottom } = FRAME
    const [low, high] = this.bounds
    this.x = logarithmic(low, high, left + INSET, width - right)
    const [from, to] = this.range()
    this.y = linear(from, to, HEIGHT - bottom, top)
    const clip = svg("clipPath", { id: "plane" },
      svg("rect", { x: left, y: top, width: width - left - right, height: HEIGHT - top - bottom }))
    const inside = svg("g", { "clip-path": "url(#plane)" },
      ...this.band(this.shown, "band"), ...(this.kept ? this.line(this.kept, "kept") : []),
      ...this.points(), ...this.line(this.shown, "line"))
    const drawn = svg("svg", { width, height: HEIGHT, role: "img", "aria-label": this.headline.textContent },
      svg("defs", {}, clip), ...this.beyond(width), ...this.axes(from, to, width), inside, ...this.here(), ...this.ends(width), ...this.words(width))
    this.plane.replaceChildren(drawn)
  }

  // Steps of 10 points that hold what is shown: the axis stays while a slider moves a little.
  range() {
    const shown = [this.shown, this.kept].filter(Boolean)
    const low = Math.min(...shown.flatMap(({ curve }) => curve.low), ...this.near().map(k => this.about.measured.accuracy[k]))
    const high = Math.max(...shown.flatMap(({ curve }) => curve.high))
    const from = Math.min(Math.max(Math.floor(10 * low) / 10, 0), 0.8)
    return [from, Math.max(Math.min(Math.ceil(10 * high) / 10, 1), from + 0.2)]
  }

  near() {
    const { p } = this.about.measured
    const apart = p.map(q => distanceBetween(q, this.shown.p))
    const within = Math.max(NEAR, Math.min(Math.min(...apart) + SAME, NEAREST))
    return apart.flatMap((one, k) => (one <= within ? [k] : []))
  }

  axes(from, to, width) {
    const { left, right, top, bottom } = FRAME
    const down = HEIGHT - bottom
    const across = marks(from, to).flatMap(at => [
      svg("line", { class: "rule", x1: left, x2: width - right, y1: this.y(at), y2: this.y(at) }),
      svg("text", { x: left - 8, y: this.y(at) + 4, "text-anchor": "end" }, `${Math.round(100 * at)} %`)])
    const all = roundSizes(...this.bounds)
    const every = Math.ceil((46 * all.length) / (width - left - right))
    const shown = every > 1 ? all.filter(size => String(size)[0] === "1") : all
    const up = shown.flatMap(size => [
      svg("line", { class: "tick", x1: this.x(size), x2: this.x(size), y1: down, y2: down + 4 }),
      svg("text", { x: this.x(size), y: down + 17, "text-anchor": "middle" }, count(size))])
    return [...across, ...up, svg("line", { class: "axis", x1: left, x2: width - right, y1: down, y2: down }),
      svg("text", { x: (left + width - right) / 2, y: HEIGHT - 4, "text-anchor": "middle" }, "training images (log scale)"),
      svg("text", { x: left, y: top - 8, "text-anchor": "start" }, "accuracy")]
  }

  // Where nothing was trained.
  beyond(width) {
    const { right, top, bottom } = FRAME
    const from = this.x(this.about.trained)
    if (!(width - right - from > 1)) return []
    return [svg("rect", { class: "beyond", x: from, y: top, width: width - right - from, height: HEIGHT - top - bottom }),
      svg("line", { class: "edge", x1: from, x2: from, y1: top, y2: HEIGHT - bottom })]
  }

  // On top of the lines, so that none strikes them out.
  words(width) {
    const from = this.x(this.about.trained)
    return width - FRAME.right - from > 210
      ? [svg("text", { class: "word", x: from + 6, y: HEIGHT - FRAME.bottom - 8 }, "extrapolated: nothing was trained here")] : []
  }

  along(values) {
    return this.about.sizes.map((size, k) => [this.x(size), this.y(values[k])])
  }

  band({ curve }, kind) {
    const outline = [...this.along(curve.low), ...this.along(curve.high).reverse()]
    return [svg("path", { class: kind, d: `${pathOf(outline)}Z` })]
  }

  // Beyond the size at which a source runs out the line is broken.
  line(answer, kind) {
    const { size } = lastSize(answer.p, this.about.offers)
    const { sizes } = this.about
    const places = this.along(answer.curve.accuracy)
    const until = sizes.findLastIndex(one => one <= size)
    if (until < 0 || until === sizes.length - 1) return [svg("path", { class: until < 0 ? `${kind} out` : kind, d: pathOf(places) })]
    const [before, after] = [places[until], places[until + 1]]
    const x = this.x(size)
    const end = [x, before[1] + ((x - before[0]) / (after[0] - before[0])) * (after[1] - before[1])]
    return [svg("path", { class: kind, d: pathOf([...places.slice(0, until + 1), end]) }),
      svg("path", { class: `${kind} out`, d: pathOf([end, ...places.slice(until + 1)]) })]
  }

  points() {
    const { p, n, accuracy, deviation, repeats } = this.about.measured
    const near = new Set(this.near())
    const order = n.map((_, k) => k).sort((a, b) => near.has(a) - near.has(b))
    return order.map(k => {
      const [x, y] = [this.x(n[k]), this.y(accuracy[k])]
      const about = `${mixWords(p[k], this.about.names)} at ${count(n[k])}: ${percentText(accuracy[k])} measured`
      const of = repeats[k] > 1 ? `, mean of ${repeats[k]}` : ""
      const spread = near.has(k) && deviation?.[k]
        ? [svg("line", { class: "whisker", x1: x, x2: x, y1: this.y(accuracy[k] - deviation[k]), y2: this.y(accuracy[k] + deviation[k]) })] : []
      return svg("g", { class: near.has(k) ? "measured near" : "measured" },
        svg("title", {}, about + of), ...spread, svg("circle", { cx: x, cy: y, r: near.has(k) ? 3.5 : 2 }))
    })
  }

  // The size at which a source of this mix runs out.
  ends(width) {
    const { size, source } = lastSize(this.shown.p, this.about.offers)
    const [low, high] = this.bounds
    if (!(size > low && size < high)) return []
    const at = this.x(size)
    const leftward = at > width / 2
    return [svg("line", { class: "last", x1: at, x2: at, y1: FRAME.top, y2: HEIGHT - FRAME.bottom }),
      svg("text", { class: "word", x: at + (leftward ? -6 : 6), y: FRAME.top + 12, "text-anchor": leftward ? "end" : "start" },
        `${this.about.names[source]} runs out at ${count(Math.floor(size + 1e-6))}`)]
  }

  here() {
    const { n, at } = this.shown
    if (n < this.bounds[0] || n > this.bounds[1]) return [] // it is beyond the axis
    const [x, y] = [this.x(n), this.y(clipped(at.accuracy))]
    return [svg("line", { class: "here", x1: x, x2: x, y1: FRAME.top, y2: HEIGHT - FRAME.bottom }),
      svg("line", { class: "reach", x1: x, x2: x, y1: this.y(clipped(at.low)), y2: this.y(clipped(at.high)) }),
      svg("circle", { class: "spot", cx: x, cy: y, r: 5 })]
  }

  close() {
    this.seen.disconnect()
  }
}

const clipped = accuracy => Math.min(Math.max(accuracy, 0), 1)
