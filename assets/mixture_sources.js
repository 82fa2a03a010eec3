// The sources: a slider each, on a track that says what moving it would do.

const KEY_STEP = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -10, PageUp: 10 } // percent

const OPEN_LOCK = "M4.5 7.5h7v6h-7zM6 7.5V5a2.2 2.2 0 0 1 4.3-.8"
const SHUT_LOCK = "M4.5 7.5h7v6h-7zM6 7.5V5.2a2 2 0 0 1 4 0v2.3"

function money(amount, currency) {
  const text = amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })
  return `${text} ${currency}`
}

class SourceRow {
  // hooks: move(source, share), lock(source, locked)
  constructor(source, offer, about, hooks) {
    Object.assign(this, { source, offer, about, hooks })
    const { name } = offer
    this.lock = element("button", { type: "button", class: "lock", "aria-pressed": "false" })
    this.share = element("input", { class: "share", type: "text", inputmode: "decimal", autocomplete: "off",
      "aria-label": `Share of ${name}, percent` })
    this.slider = element("input", { type: "range", min: "0", max: "100", step: "0.1", "aria-label": `Share of ${name}` })
    this.bought = element("span", { class: "bought" })
    this.cost = element("span", { class: "quiet" })
    this.root = element("div", { class: "source" },
      element("div", { class: "line" },
        element("i", { class: "swatch", style: `background:${hueOf(source)}` }),
        element("b", { title: name }, name), this.lock, element("label", { class: "percent" }, this.share, " %")),
      this.slider,
      element("div", { class: "line small" }, this.bought, this.cost))
    this.slider.oninput = () => hooks.move(source, this.slider.valueAsNumber / 100)
    this.slider.onkeydown = event => this.step(event)
    this.share.onfocus = () => this.share.select()
    this.share.onchange = () => this.typed()
    this.lock.onclick = () => hooks.lock(source, this.lock.getAttribute("aria-pressed") !== "true")
  }

  step(event) {
    const by = KEY_STEP[event.key]
    if (!by || event.ctrlKey || event.altKey || event.metaKey) return
    event.preventDefault()
    this.hooks.move(this.source, this.now + (event.shiftKey ? 10 : 1) * by / 100)
  }

  typed() {
    const share = numberTyped(this.share.value) / 100
    if (Number.isFinite(share) && this.share.value.trim()) this.hooks.move(this.source, share)
    this.share.value = shareText(this.now)
  }

  show(share, locked, movable) {
    this.now = share
    this.slider.value = String(100 * share)
    this.slider.setAttribute("aria-valuetext", `${shareText(share)} percent`)
    if (this.share.getRootNode().activeElement !== this.share) this.share.value = shareText(share)
    const held = this.lock.getAttribute("aria-pressed") === "true"
    if (held !== locked || !this.lock.firstChild) {
      this.lock.setAttribute("aria-pressed", String(locked))
      this.lock.title = locked ? "Locked: other sliders leave it as it is. Click to unlock" : "Lock: other sliders leave it as it is"
      this.lock.setAttribute("aria-label", `Lock ${this.offer.name}`)
      this.lock.replaceChildren(icon(locked ? SHUT_LOCK : OPEN_LOCK))
    }
    this.slider.disabled = this.share.disabled = !movable
  }

  // What the order would hold, at once: it needs no answer of the server.
  order(asked) {
    const { capacity, price } = this.offer
    const over = capacity != null && asked > capacity
    this.bought.textContent = over ? `${count(asked)} wanted, there are ${count(capacity)}`
      : capacity == null ? manyImages(asked) : `${count(asked)} of ${count(capacity)} images`
    this.cost.textContent = price == null ? "" : money(price * asked, this.about.currency)
    this.root.classList.toggle("over", over)
  }

  answer(track, scale) {
    const stops = track.map((accuracy, k) => `${cividis(scale(accuracy))} ${(100 * k) / (track.length - 1)}%`)
    this.slider.style.setProperty("--track", `linear-gradient(90deg, ${stops.join(", ")})`)
  }
}

class Sources {
  constructor(root, about, hooks) {
    this.about = about
    this.rows = about.offers.map((offer, s) => new SourceRow(s, offer, about, hooks))
    this.legend = lossLegend("A track's color: points of accuracy lost, if the slider is there")
    this.legend.root.hidden = about.offers.length < 2
    root.replaceChildren(
      element("h3", {}, about.offers.length > 1 ? "The mix" : "The source"),
      element("div", { class: "rows" }, ...this.rows.map(row => row.root)),
      this.legend.root)
  }

  show({ p, n, locked }) {
    const counts = countsOf(p, n)
    this.rows.forEach((row, s) => {
      const others = locked.some((shut, k) => !shut && k !== s)
      row.show(p[s], locked[s], others)
      row.order(counts[s])
    })
  }

  answer({ tracks }) {
    const all = tracks.flat()
    const [low, high] = [Math.min(...all), Math.max(...all)]
    const scale = lossScale(low, high)
    this.rows.forEach((row, s) => row.answer(tracks[s], scale))
    this.legend.show(low, high)
  }
}
