// The mixture playground: a mix, its projected accuracy, and all mixes around it.
//
// Streamlit runs the default export again whenever its data or the theme changes; what was set must
// then stay.

const SIZE_STEPS = 1000
const MOST_IMAGES = 1e9
const AS_GOOD = 0.005 // held-out errors that differ by less tell nothing
const REMEMBER_MS = 250

class MixtureView {
  constructor(parent) {
    this.parent = parent
    this.root = parent.querySelector(".mixture")
    this.find = selector => this.root.querySelector(selector)
    this.parts = []
    this.questions = []
    // The address has changed under the page: the buttons of the browser.
    this.path = location.pathname
    this.onBack = () => { if (this.about && this.isHere) this.restore() }
    globalThis.addEventListener("popstate", this.onBack)
  }

  update({ projection, base }) {
    if (this.projection === projection && this.root.dataset.state !== "failed") return
    Object.assign(this, { projection, base })
    this.load()
  }

  // Whether the address is still that of this page and projection.
  get isHere() {
    const named = new URLSearchParams(location.search).get("projection")
    return location.pathname === this.path && (named ?? this.projection) === this.projection
  }

  async load() {
    this.root.dataset.state = "loading"
    this.stop()
    this.about = null
    const { base } = this
    const found = await fetched(`${base}/about`).then(about => ({ about }), ({ message }) => ({ message }))
    if (this.closed || base !== this.base) return
    if (found.about) this.start(found.about)
    else this.failed(found.message)
  }

  start(about) {
    this.about = about
    this.m = about.names.length
    const trained = new Map(about.measured.p.map(p => [written(p), p]))
    this.trained = [...trained.values()]
    this.best = this.answer = this.kept = this.keeping = this.impossible = null
    this.build()
    this.ask()
    this.bind()
    this.root.dataset.state = "ready"
    this.restore()
  }

  restore() {
    const { settings, kept, complaint } = restored(this.projection, this.about)
    this.set(settings, complaint)
    if (kept) this.keep({ p: kept })
    else if (this.kept) this.drop()
  }

  build() {
    const { about } = this
    // Many sliders are tall: what shows all mixes fits beside them.
    const many = this.m > 4
    this.root.classList.toggle("many", many)
    this.root.classList.toggle("single", this.m === 1)
    if (many) this.find(".column").append(this.find(".space"))
    else this.find(".rest").prepend(this.find(".space"))
    const hooks = {
      move: (source, share) => this.set({ p: rescaled(this.p, source, share, this.locked) }),
      lock: (source, shut) => this.set({ locked: this.locked.map((one, s) => (s === source ? shut : one)) }),
      size: n => this.set({ n }),
      mix: p => this.set({ p: besideLocked(this.p, p, this.locked) }),
      by: by => this.set({ by }),
      view: () => this.askSpace(),
      take: mix => this.set({ p: bought(mix), n: mix.n }),
    }
    this.sources = new Sources(this.find(".sources"), about, hooks)
    this.curve = new Curve(this.find(".projected"), about, hooks)
    this.space = new Space(this.find(".space"), about, hooks)
    this.sizes = new Sizes(this.find(".sizes"), about, hooks)
    this.more = new More(this.find(".sizes"), about)
    this.classes = new Classes(this.find(".classes"), about)
    this.predictors = new Predictors(this.find(".predictors"), about, hooks)
    this.parts = [this.curve, this.space]
    this.find(".notes").replaceChildren(...this.notes().map(text => element("p", {}, text)))
  }

  notes() {
    const { about } = this
    const models = about.from_table ? `${count(about.models)} accuracies of your own table`
      : `${count(about.models)} models (${about.learner}; ${about.embedder})`
    const skipped = about.skipped ? `; ${count(about.skipped)} were left out, for which a pilot is too small` : ""
    const loose = about.converged < 1 ? ` ${Math.round(100 * (1 - about.converged))} % of the OT distances were not solved to their tolerance.` : ""
    const test = about.from_table ? "" : `Accuracy is that on ${manyImages(about.test.images)}. ${about.test.note}`
    return [...about.findings.map(one => one.sentence), `Fitted to ${models} at ${about.scales.map(count).join(", ")} images${skipped}. ${test}${loose}`]
  }

  // What the server is asked, and what becomes of the answers.
  ask() {
    const failed = sentence => this.trouble(sentence)
    const query = asked => new URLSearchParams(Object.entries(asked).filter(([, one]) => one != null))
    const ratio = p => p.map(share => share.toPrecision(8)).join(",")
    const mixAt = ({ p, ...more }) => `${this.base}/mix?${query({ p: ratio(p), ...more })}`
    this.mix = new Latest({ url: mixAt, failed, got: answer => this.answered(answer) })
    this.other = new Latest({ url: mixAt, failed, got: answer => { this.kept = answer; this.redraw(); this.remember() } })
    this.field = new Latest({
      url: ({ question }) => `${this.base}/${question}`, failed,
      got: answer => { this.space.answer(answer, p => this.buyable(p)); this.mark() },
    })
    this.optimum = new Latest({
      url: question => `${this.base}/best?${query(question)}`, after: LATER_MS,
      got: (best, question) => { this.best = { ...best, answers: this.optimum.url(question) }; this.impossible = null; this.mark() },
      failed: sentence => { this.best = null; this.impossible = sentence; this.mark() },
    })
    this.bestBySize = new Latest({
      url: question => `${this.base}/path?${query(question)}`, after: LATER_MS,
      got: ({ best }, { budget, locked }) => this.sizes.show(best, budget, locked),
      failed: sentence => this.sizes.failed(sentence),
    })
    this.affordable = new Latest({
      url: question => `${this.base}/best?${query(question)}`, failed,
      got: mix => { this.trouble(""); this.set({ p: bought(mix), n: mix.n }) },
    })
    this.questions = [this.mix, this.other, this.field, this.optimum, this.bestBySize, this.affordable]
  }

  bind() {
    const { about } = this
    const [low, high] = [Math.log(about.sizes[0]), Math.log(about.sizes.at(-1))]
    this.slider = this.find(".size-slider")
    this.sizeOf = linear(0, SIZE_STEPS, low, high)
    this.placeOf = linear(low, high, 0, SIZE_STEPS)
    this.slider.oninput = () => this.set({ n: rounded(Math.exp(this.sizeOf(this.slider.valueAsNumber))) })
    const typed = (field, done) => {
      field.onchange = () => done(field.value.trim())
      field.onkeydown = event => { if (event.key === "Enter") field.blur() }
    }
    typed(this.find(".size"), text => this.sizeTyped(text))
    typed(this.find(".budget"), text => this.budgetTyped(text))
    this.find(".currency").textContent = about.currency
    this.find(".money").hidden = about.offers.some(offer => offer.price == null)
    this.find(".best").onclick = () => this.takeBest()
    this.find(".even").onclick = () => this.set({ p: evened(this.p, this.locked) })
    this.find(".keep").onclick = () => (this.kept ? this.drop() : this.keep({ p: this.p }))
  }

  sizeTyped(text) {
    const n = numberTyped(text, true)
    const least = this.about.sizes[0]
    if (!(n >= 1)) this.complain(`“${text}” is no number of images.`)
    else if (n < least) this.set({ n: least }, `Nothing is said of fewer than ${manyImages(least)}, the smallest size that was trained.`)
    else this.set({ n: Math.min(n, MOST_IMAGES) })
  }

  budgetTyped(text) {
    const amount_ = numberTyped(text)
    if (!text) this.set({ budget: null })
    else if (payable(amount_)) this.set({ budget: amount_ })
    else this.complain(`“${text}” is no budget; leave the field empty for none.`)
  }

  // What was typed is none: the field shows again what holds.
  complain(sentence) {
    this.complaint = sentence
    this.trouble(sentence)
    this.show()
  }

  get lockedRows() {
    return this.locked.flatMap((shut, s) => (shut ? [s] : [])).join(",") || null
  }

  // Shares that are locked, for the server; null where none is.
  get fixed() {
    const { p, locked } = this
    return locked.some(Boolean) ? p.map((share, s) => (locked[s] ? share.toPrecision(8) : "")).join(",") : null
  }

  get bestAsked() {
    const { n, by, budget, fixed } = this
    return { n, by, budget, locked: fixed }
  }

  // With a budget, the best that it pays for, of whatever size; else the best of this size.
  takeBest() {
    if (this.budget != null) {
      this.trouble("Looking for the best that the budget pays for…")
      this.affordable.ask({ ...this.bestAsked, n: null }, true)
    } else if (this.best) this.set({ p: bought(this.best) })
  }

  keep({ p }) {
    this.keeping = p
    this.other.ask({ p, n: this.n, by: this.by }, true)
    this.remember()
  }

  drop() {
    this.other.forget()
    this.kept = this.keeping = null
    this.redraw()
    this.remember()
  }

  set(changes, complaint = "") {
    const before = this.budget
    Object.assign(this, changes)
    this.complaint = complaint
    this.trouble(complaint)
    this.show()
    const { p, n, by, budget } = this
    this.affordable.forget()
    this.mix.ask({ p, n, by, locked: this.lockedRows })
    if (this.kept) this.other.ask({ p: this.kept.p, n, by })
    this.mark()
    if (this.optimum.url(this.bestAsked) !== this.optimum.asked) this.impossible = null
    this.optimum.ask(this.bestAsked)
    if (before !== budget) this.space.repaint()
    this.bestBySize.ask({ ...this.bestAsked, n: null })
    this.remember()
  }

  askSpace() {
    const question = this.space.question(this)
    if (question) this.field.ask({ question })
    this.mark()
  }

  buyable(p) {
    return this.about.offers.every(({ capacity }, s) => capacity == null || p[s] * this.n <= capacity * (1 + 1e-9))
      && (this.budget == null || this.about.offers.reduce((cost, { price }, s) => cost + price * p[s], 0) * this.n <= this.budget * (1 + 1e-9))
  }

  // What is known without the server: the hand that moves a slider sees it move at once.
  show() {
    this.sources.show(this)
    this.slider.value = String(this.placeOf(Math.log(this.n)))
    this.slider.setAttribute("aria-valuetext", manyImages(this.n))
    const active = this.root.getRootNode().activeElement
    const [size, budget] = [this.find(".size"), this.find(".budget")]
    if (active !== size) size.value = count(this.n)
    if (active !== budget) budget.value = this.budget == null ? "" : count(this.budget)
    this.find(".best").textContent = this.budget == null ? "Best mix" : "Best for the budget"
    this.find(".best").title = this.budget == null ? `The mix of ${manyImages(this.n)} with the highest projected accuracy`
      : "The mix and size with the highest projected accuracy that the budget pays for"
    this.order()
  }

  order() {
    const counts = countsOf(this.p, this.n)
    const { offers } = this.about
    const short_ = offers.findIndex(({ capacity }, s) => capacity != null && counts[s] > capacity)
    const link = this.find(".order")
    link.ariaDisabled = String(short_ >= 0)
    link.title = short_ < 0 ? "What to order of each source"
      : `${offers[short_].name} has ${count(offers[short_].capacity)} images; ${count(counts[short_])} are asked for`
    if (short_ < 0) link.setAttribute("href", `${this.base}/order?counts=${counts.join(",")}`)
    else link.removeAttribute("href")
  }

  answered(answer) {
    this.answer = answer
    this.trouble(this.complaint)
    this.redraw()
    this.askSpace() // not before: the curve is what the hand waits for
  }

  redraw() {
    if (!this.answer) return
    const { answer, kept } = this
    this.sources.answer(answer)
    this.curve.show(answer, kept, { warning: this.unbuyable(answer), apart: this.apart(answer) })
    this.more.show(answer.more)
    this.classes.show(answer)
    this.predictors.show(answer.others, answer.by)
    this.find(".keep").textContent = kept ? "Drop the kept mix" : "Keep to compare"
    this.mark()
    this.root.dataset.shown = `${written(answer.p)}@${answer.n}`
    this.say(`${percentText(clipped(answer.at.accuracy))} accuracy at ${manyImages(answer.n)}`)
  }

  mark() {
    const { best, n, budget, fixed } = this
    const fits = best?.answers === this.optimum.url(this.bestAsked) ? best : null
    this.space.mark({ p: this.p, n, best: fits, trained: this.trained, locked: fixed != null, searching: !this.impossible })
    this.find(".best").disabled = budget == null && !fits
    if (this.impossible && !fits) this.space.sentence.textContent = this.impossible
  }

  // Why this mix cannot be bought; "" where it can.
  unbuyable({ counts, cost }) {
    const { offers, currency } = this.about
    const short_ = offers.flatMap(({ name, capacity }, s) => (capacity != null && counts[s] > capacity
      ? [`${name} has ${count(capacity)} images; ${count(counts[s])} are wanted.`] : []))
    const over = this.budget != null && cost > this.budget ? [`${money(cost - this.budget, currency)} over the budget.`] : []
    return [...short_, ...over].join(" ")
  }

  // Predictors that did no worse on held-out mixtures, and do not agree here; "" where none.
  apart({ at, others, by }) {
    const { predictors } = this.about
    const own = predictors.find(one => one.name === by).error
    if (own == null) return ""
    const reach = clipped(at.high) - clipped(at.accuracy)
    const said = predictors.flatMap(({ name, title, error }) => (name !== by && others[name] && error != null && error <= own + AS_GOOD
      && Math.abs(clipped(others[name].accuracy) - clipped(at.accuracy)) > reach ? [`${title} says ${percentText(clipped(others[name].accuracy))}`] : []))
    return said.length ? `No worse on held-out mixes, but apart here: ${said.join(", ")}.` : ""
  }

  say(sentence) {
    clearTimeout(this.saying)
    this.saying = setTimeout(() => { this.find(".live").textContent = sentence }, 400)
  }

  trouble(sentence) {
    const notice = this.find(".notice")
    notice.hidden = !sentence
    notice.querySelector("p").textContent = sentence
    notice.querySelector("button").hidden = true
  }

  failed(sentence) {
    this.root.dataset.state = "failed"
    this.trouble(sentence)
    const again = this.find(".notice button")
    again.hidden = false
    again.onclick = () => { this.trouble(""); this.load() }
  }

  remember() {
    clearTimeout(this.remembering)
    this.remembering = setTimeout(() => { if (this.isHere) remembered(this.projection, this.about, this) }, REMEMBER_MS)
  }

  stop() {
    clearTimeout(this.remembering)
    for (const part of this.parts) part.close()
    for (const question of this.questions) question.close()
  }

  close() {
    this.stop()
    this.closed = true
    globalThis.removeEventListener("popstate", this.onBack)
    clearTimeout(this.saying)
  }
}

// The ratio of a best mix to the last image: rounded otherwise, it may cost more than it should.
const bought = ({ counts, n }) => counts.map(images => images / n)

const payable = money_ => money_ > 0 && Number.isFinite(money_)

// Two significant digits below a thousand and three above: a slider gives numbers that can be said.
function rounded(n) {
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(n)) - (n < 1000 ? 1 : 2))
  return Math.round(n / unit) * unit
}

const views = (globalThis.__assayMixture ??= new WeakMap())

export default function mixture({ data, parentElement }) {
  let view = views.get(parentElement)
  if (!view || view.closed || !parentElement.contains(view.root)) {
    view?.close()
    view = new MixtureView(parentElement)
    views.set(parentElement, view)
  }
  view.update(data)
  return () => view.close()
}
