// The panel that shows all mixes at once: where the best one lies, and how steep it is around it.

class Space {
  // hooks: mix(p); view(): another view is looked at, or another pair of sources.
  constructor(root, about, hooks) {
    this.about = about
    this.hooks = hooks
    const m = about.names.length
    this.title = element("h3", {}, "Where the best mix lies")
    this.sentence = element("p", { class: "quiet" })
    this.choice = element("div", { class: "choice", hidden: m <= 3 })
    this.inside = element("div", {})
    this.reading = element("p", { class: "small quiet" }, this.hint)
    this.legend = lossLegend("Color: points of accuracy lost against the best shown" + (m === 3 ? "; pale where it cannot be bought" : ""))
    this.legend.root.hidden = m < 3
    root.replaceChildren(this.title, this.sentence, this.choice, this.inside, this.reading, this.legend.root)
    if (m > 3) this.choose()
    this.use(m > 3 ? "many" : m === 3 ? "three" : m === 2 ? "two" : "one")
  }

  get hint() {
    return "Dots: mixes that were trained. Line: the climb to the best. Drag to choose a mix."
  }

  over(p, accuracy) {
    this.reading.textContent = p ? `${mixWords(p, this.about.names)}: ${percentText(clipped(accuracy))}` : this.hint
  }

  choose() {
    const option = (name, s) => element("option", { value: String(s) }, name)
    const select = label => element("select", { "aria-label": label }, ...this.about.names.map(option))
    this.view = element("select", { "aria-label": "How all mixes are shown" },
      element("option", { value: "many" }, "All sources, parallel"), element("option", { value: "three" }, "Two sources and the others"))
    this.pair = [select("First source"), select("Second source")]
    this.pair[1].value = "1"
    this.choice.append(this.view, ...this.pair)
    this.view.onchange = () => { this.use(this.view.value); this.hooks.view() }
    this.pair.forEach((one, k) => {
      one.onchange = () => {
        const other = this.pair[1 - k]
        if (other.value === one.value) other.value = String((Number(one.value) + 1) % this.about.names.length)
        this.hooks.view()
      }
    })
  }

  use(kind) {
    this.kind = kind
    this.chart?.close()
    const Kind = { many: Parallel, three: Triangle, two: TwoSources }[kind]
    this.chart = Kind && new Kind({ mix: p => this.hooks.mix(p), over: (...at) => this.over(...at) })
    this.inside.replaceChildren(...(this.chart ? [this.chart.root] : []))
    this.reading.hidden = kind !== "three"
    for (const one of this.pair ?? []) one.hidden = kind !== "three"
  }

  // What to ask the server for, as the end of an address; "" where nothing is shown.
  question({ p, n, by }) {
    if (this.kind === "one") return ""
    const asked = new URLSearchParams({ n, by })
    if (this.kind === "many") return `spread?${asked}`
    if (this.about.names.length > 3) {
      const [a, b] = this.pair.map(one => one.value)
      asked.set("a", a)
      asked.set("b", b)
      asked.set("p", p.join(","))
    }
    return `field?${asked}`
  }

  answer(field, buyable) {
    const asked = { many: !field.corners, three: field.corners?.length === 3, two: field.corners?.length === 2 }
    if (!asked[this.kind]) return // the answer is for the view before
    const corner = shares => this.about.names[shares.findIndex(share => share > 1 - 1e-9)] ?? "all others"
    const names = this.kind === "three" ? field.corners.map(corner) : this.about.names
    this.given = [field, buyable]
    this.chart.paint(field, names, buyable)
    this.legend.show(this.chart.low, this.chart.high)
  }

  // What can be bought has changed.
  repaint() {
    if (this.given) this.answer(...this.given)
  }

  mark({ p, n, best, trained, locked, searching }) {
    this.chart?.mark({ here: p, best: best?.p, path: best?.path ?? [], trained })
    if (this.kind === "one") return
    if (!best) {
      this.sentence.textContent = searching ? `Looking for the best mix of ${manyImages(n)}…` : ""
      return
    }
    const { agreement } = best
    const sure = agreement > 0.99 ? "found from every start" : `found from ${Math.round(100 * agreement)} % of the starts`
    const signs = this.kind === "many" ? "Dashed: the best; orange: this mix." : "Diamond: the best; ring: this mix."
    this.sentence.textContent = `Of ${manyImages(best.n)}${locked ? ", with what is locked," : ""} the best is ${mixWords(best.p, this.about.names)}: `
      + `${percentText(clipped(best.accuracy))} (${spanText(best.low, best.high)}); ${sure}. ${signs}`
  }

  close() {
    this.chart?.close()
  }
}
