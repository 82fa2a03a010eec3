// How far the review is: how often the ranking is right, what is left to find, when to stop.

const PROGRESS = { width: 400, height: 190, left: 44, right: 12, top: 10, bottom: 34 }
const REFRESH_MS = 700 // after the last decision

// A number and its unit stay on one line.
const unbroken = words => words.replace(/(\d) %/g, "$1\u00a0%")

// Precision up to each rank with its band, and how likely an image right there is faulty.
function precisionChart({ curve, flagged, images, stop }) {
  const { width, height, left, right, top, bottom } = PROGRESS
  const base = height - bottom
  const { rank, precision, low, high, here } = curve
  const last = Math.min(images, Math.max(rank.at(-1), Math.min(flagged, 2 * rank.at(-1)), 10))
  const x = at => (left + (at / last) * (width - left - right)).toFixed(1)
  const y = share => (base - share * (base - top)).toFixed(1)
  const line = values => values.map((share, i) => `${i ? "L" : "M"}${x(rank[i])} ${y(share)}`).join("")
  const back = low.map((share, i) => `L${x(rank[i])} ${y(share)}`).reverse().join("")
  // As it is a property of single images it changes in steps.
  const steps = here.map((share, i) => (i ? `H${x(rank[i])}V${y(share)}` : `M${x(rank[0])} ${y(share)}`)).join("")
  const text = (at, down, anchor, words) => svg("text", { x: at, y: down, "text-anchor": anchor }, words)
  const upright = (at, kind) => svg("line", { class: kind, x1: x(at), x2: x(at), y1: top, y2: base })
  const drawn = svg("svg", { class: "chart precision", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Precision by rank: ${wholePercent(precision.at(-1))} of the ${count(curve.judged.at(-1))} images ` +
      `judged up to rank ${count(rank.at(-1))} are faulty.` })
  for (const share of [0, 0.5, 1]) {
    drawn.append(
      svg("line", { class: "rule", x1: left, x2: width - right, y1: y(share), y2: y(share) }),
      text(left - 6, Number(y(share)) + 4, "end", wholePercent(share)))
  }
  const ticks = marks(0, last).filter(at => at > 0)
  for (const at of ticks) drawn.append(text(x(at), base + 15, at === last ? "end" : "middle", count(at)))
  drawn.append(text((left + width - right) / 2, height - 3, "middle", "Rank, worst first"))
  drawn.append(svg("line", { class: "worth", x1: left, x2: width - right, y1: y(stop.worth), y2: y(stop.worth) }))
  if (flagged > 0 && flagged <= last) drawn.append(upright(flagged, "cut"))
  if (stop.rank && stop.state !== "early" && stop.rank <= last) drawn.append(upright(stop.rank, "stop"))
  drawn.append(
    svg("path", { class: "band", d: `${line(high)}${back}Z` }),
    svg("path", { class: "here", d: steps }),
    svg("path", { class: "sofar", d: line(precision) }))
  return drawn
}

class ProgressPanel {
  // hooks.closed: where the focus goes when the panel is closed
  constructor(root, hooks) {
    this.root = root
    this.hooks = hooks
    this.panel = element("aside", { class: "progress", "aria-label": "Progress of the review" })
    this.panel.hidden = true
    const close = element("button", { type: "button", class: "close", "aria-label": "Close the progress", title: "Close (P)" }, "×")
    close.onclick = () => this.toggle(false)
    this.content = element("div", { class: "content" })
    this.panel.append(element("header", {}, element("h3", {}, "Progress of the review"), close), this.content)
    root.querySelector(".body").append(this.panel)
  }

  get open() {
    return !this.panel.hidden
  }

  // Follow the decisions of another run.
  use(store) {
    if (this.store === store) return
    this.unlisten?.()
    this.store = store
    this.content.replaceChildren()
    this.unlisten = store.listen(({ rows, queue }) => (rows || queue) && this.soon())
    if (this.open) this.refresh()
  }

  toggle(open = !this.open) {
    if (open === this.open) return
    this.panel.hidden = !open
    this.hooks.toggled?.(open)
    if (open) this.refresh()
    else this.hooks.closed()
  }

  soon() {
    clearTimeout(this.waiting)
    if (this.open) this.waiting = setTimeout(() => this.refresh(), REFRESH_MS)
  }

  async refresh() {
    const { store } = this
    const turn = (this.turn = Symbol("the answer asked for last"))
    const current = () => turn === this.turn && store === this.store && this.open
    if (!this.content.firstChild) this.say("Counting what is decided…", "quiet")
    try {
      const response = await fetch(`${store.base}/progress`)
      const answer = await response.json()
      if (!current()) return
      if (response.ok) this.show(answer)
      else this.say(answer.error, "trouble")
    } catch {
      if (current()) this.say("The progress could not be loaded. It is asked for again with the next decision.", "trouble")
    }
  }

  say(sentence, kind) {
    this.content.replaceChildren(element("p", { class: kind }, sentence))
  }

  show(found) {
    const { sentences } = found
    const section = (title, ...children) => element("section", {}, element("h4", {}, title), ...children)
    const sentence = words => element("p", {}, unbroken(words))
    this.content.replaceChildren(
      section("When to stop",
        element("p", { class: "advice", "data-state": found.stop.state }, unbroken(sentences.stop))),
      section("Reviewed",
        this.share("All images", found.reviewed, found.images),
        ...(found.flagged ? [this.share("Look harmful", found.reviewed_flagged, found.flagged)] : []),
        ...(found.disputed ? [sentence(`${count(found.disputed)} judged differently by two reviewers.`)] : []),
        ...(found.pace.per_minute ? [element("p", { class: "quiet" }, sentences.pace)] : [])),
      section("How often is the ranking right?", ...this.chart(found), sentence(sentences.precision)),
      section("What is left to find?", sentence(sentences.remaining), sentence(sentences.recall)),
      section("Audit sample",
        ...(found.audit.size ? [this.share("Audited", found.audit.reviewed, found.audit.size)] : []),
        sentence(sentences.audit),
        ...(found.audit.reviewed < found.audit.size ? [this.auditLink()] : [])),
    )
  }

  chart(found) {
    if (found.curve.rank.length < 2) return []
    const worth = wholePercent(found.stop.worth)
    const reached = found.stop.rank && found.stop.state !== "early"
    return [
      precisionChart(found),
      element("div", { class: "legend" },
        element("span", { class: "sofar" }, "Up to this rank"),
        element("span", { class: "band" }, "95 % interval"),
        element("span", { class: "here" }, "At this rank"),
        element("span", { class: "worth" }, `Worth a look: ${worth}`),
        ...(found.flagged ? [element("span", { class: "cut" }, "Looks harmful up to here")] : []),
        ...(reached ? [element("span", { class: "stop" }, "Suggested end")] : [])),
    ]
  }

  share(words, part, whole) {
    const bar = element("i", { class: "gauge", "aria-hidden": "true" }, element("i", {}))
    bar.firstChild.style.width = `${whole ? (100 * part) / whole : 0}%`
    return element("div", { class: "share" },
      element("span", {}, words), bar,
      element("span", { class: "quiet" }, `${count(part)} of ${count(whole)}`))
  }

  // The sample must be judged in its own order: then its first images are a random sample, too.
  // The address names the order as the list of orders does.
  auditLink() {
    const url = new URL(location.href)
    url.search = new URLSearchParams({ run: this.store.run, order: "Audit sample" })
    url.hash = ""
    return element("a", { class: "link", href: url.href }, "Judge the audit sample")
  }

  close() {
    clearTimeout(this.waiting)
    this.unlisten?.()
    this.panel.remove()
  }
}
