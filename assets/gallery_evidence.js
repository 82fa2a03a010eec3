// Why an image has its value: sections under the decision, each of which stays open or closed.

const OPEN_KEY = "assay.sections"
const STRIP = 7
const PICTURES = { training: "train", validation: "validation" } // as the picture route calls them
// Validation images in the answer, and which section shows them.
const STRIPS = [["matched"], ["own"], ["other"], ["overall"]]

// A heading that opens what is under it; the browser remembers which ones are open. What is under
// it is drawn when somebody sees it.
class Section {
  // draw() fills `inside`; key is the one that opens it, if any.
  constructor(name, title, { open = false, key = null, draw }) {
    this.draw = draw
    this.title = element("span", { class: "heading" }, title)
    this.says = element("span", { class: "says" })
    this.inside = element("div", { class: "inside" })
    const heading = element("summary", key ? { "aria-keyshortcuts": key } : {}, this.title, this.says)
    if (key) heading.append(element("kbd", {}, key))
    this.root = element("details", { class: `section ${name}` }, heading, this.inside)
    this.root.open = kept.read("localStorage", OPEN_KEY, {})[name] ?? open
    // Under the last headings there is no room: what was opened by hand is brought into sight.
    let byHand = false
    heading.onclick = () => { byHand = !this.root.open }
    this.root.ontoggle = () => {
      const known = kept.read("localStorage", OPEN_KEY, {})
      kept.write("localStorage", OPEN_KEY, { ...known, [name]: this.root.open })
      if (this.root.open && !this.drawn) this.show()
      if (this.root.open && byHand) this.root.scrollIntoView({ block: "nearest" })
    }
  }

  // Something else is to be shown.
  show() {
    this.drawn = this.root.open
    if (this.drawn) this.draw()
  }

  get open() {
    return this.root.open
  }

  say(text) {
    if (this.says.textContent !== text) this.says.textContent = text
  }
}

function shareText(share) {
  const percent = 100 * share
  return percent >= 9.95 ? `${percent.toFixed(0)} %` : percent >= 0.1 ? `${percent.toFixed(1)} %` : "< 0.1 %"
}

// Never all of it: a probability that is estimated is not certain.
const sureText = share => (share >= 0.995 ? "> 99 %" : `${Math.round(100 * share)} %`)

// "3 copies, 2 labelled dog"; "" where there are none. `own` is the position of the image's label.
function copiesText({ labels, exact }, classes, own) {
  const total = Object.values(labels).reduce((sum, n) => sum + n, 0)
  if (!total) return ""
  const kind = exact === total ? "copy" : exact ? "copy or near-copy" : "near-copy"
  const what = `${count(total)} ${total === 1 ? kind : kind.replaceAll("copy", "copies")}`
  const others = Object.entries(labels).filter(([label]) => Number(label) !== own).sort((a, b) => b[1] - a[1])
  if (!others.length) return `${what}, labelled the same`
  const named = others.slice(0, 3).map(([label, n]) => `${total === 1 ? "" : `${count(n)} `}labelled ${classes[label]}`)
  if (others.length > 3) named.push("\u2026")
  return `${what}, ${named.join(", ")}`
}

// How much of the cost of moving an image comes from its looks, how much from its label.
function costBar({ feature_cost: feature, label_cost: label }) {
  const total = feature + label
  const percent = part => (total > 0 ? Math.round((100 * part) / total) : 0)
  const bar = element("div", { class: "parts", role: "img",
    "aria-label": `Cost ${amount(total)}: ${percent(feature)} % from features, ${percent(label)} % from the label` },
    element("i", { class: "feature" }), element("i", { class: "label" }))
  bar.firstChild.style.flexGrow = String(percent(feature)) // shares below 1 would not fill the bar
  bar.lastChild.style.flexGrow = String(percent(label))
  return element("div", { class: "cost" },
    element("span", {}, `Cost ${amount(total)}`), element("span", {}, `features ${amount(feature)}`),
    bar, element("span", {}, `label ${amount(label)}`))
}

class Evidence {
  // hooks: link(row) for the address of an image, peek(row, side, words) when one is pointed at, and
  // peek(null) when no longer.
  constructor(hooks) {
    this.hooks = hooks
    this.plan = new Section("plan", "Matched by the plan", { open: true, draw: () => this.drawPlan() })
    this.near = new Section("near", "Nearest validation images", { open: true, draw: () => this.drawNear() })
    this.training = new Section("training", "Nearest training images", { draw: () => this.drawTraining() })
    this.scores = new Section("scores", "Other methods", { draw: () => this.drawScores() })
    this.sections = [this.plan, this.near, this.training, this.scores]
  }

  // `answer` is what the server says of the image, null while it is awaited.
  show(store, row, answer) {
    this.store = store
    this.row = row
    this.answer = answer
    this.plan.root.hidden = store?.hasPlan === false
    this.plan.say(answer ? "share of its mass" : "")
    this.near.say(answer ? "distance" : "")
    this.training.say(answer ? this.copied("training") || "no copies" : "")
    this.scores.say(this.flags())
    this.scores.root.hidden = !answer?.scores.length
    for (const section of this.sections) section.show()
  }

  copied(side) {
    return copiesText(this.answer.copies[side], this.store.classes, this.store.labels[this.row])
  }

  flags() {
    const flags = (this.answer?.scores ?? []).filter(score => score.flagged !== null)
    return flags.length ? `${flags.filter(score => score.flagged).length} of ${flags.length} flag it` : ""
  }

  drawPlan() {
    if (this.plan.root.hidden) return
    const { answer } = this
    this.plan.inside.replaceChildren(this.strip(answer?.matched, "validation"), answer ? costBar(answer) : element("div", { class: "cost" }))
  }

  drawNear() {
    const { store, answer, row } = this
    const { inside } = this.near
    if (!answer) return inside.replaceChildren(this.strip(null), this.strip(null))
    const name = label => element("b", {}, store.classes[label])
    const part = (what, items) => [element("h5", {}, ...what), this.strip(items, "validation")]
    const other = answer.other.length
      ? part(["Of ", name(store.looksLike[row]), ", which it looks like"], answer.other)
      : part(["Of any class"], answer.overall)
    inside.replaceChildren(...part(["Of its label, ", name(store.labels[row])], answer.own), ...other)
  }

  drawTraining() {
    const { answer } = this
    const { inside } = this.training
    if (!answer) return inside.replaceChildren(this.strip(null))
    const { training, validation, rule } = answer.copies
    // Copies first, also those that lie far off by their features.
    const copies = new Set(training.images.map(image => image.row))
    const others = answer.training.filter(image => !copies.has(image.row))
    inside.replaceChildren(this.strip([...training.images, ...others], "training"))
    if (validation.images.length) {
      inside.append(element("h5", {}, `In the validation set: ${this.copied("validation")}`),
        this.strip(validation.images, "validation"))
    }
    inside.append(element("p", { class: "quiet small" }, rule))
  }

  drawScores() {
    const head = ["", "Rank", "Score", ""].map(name => element("th", { scope: "col" }, name))
    const lines = (this.answer?.scores ?? []).map(score => element("tr", {},
      element("th", { scope: "row", title: `${score.title}: ${score.origin}` }, score.title),
      element("td", {}, `${count(score.rank)} of ${count(score.of)}`),
      element("td", {}, amount(score.score)),
      element("td", {}, score.flagged ? element("span", { class: "flag" }, "Flagged") : "")))
    this.scores.inside.replaceChildren(
      element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines)),
      element("p", { class: "quiet small" }, "Rank 1 is the worst."))
  }

  // -- pictures ----------------------------------------------------------------------------------

  // A row of images; null while they are awaited.
  strip(items, side) {
    const list = element("div", { class: "strip" })
    if (!items) return list
    list.append(...items.slice(0, STRIP).map(item => this.thumb(item, side)))
    if (!items.length) list.append(element("span", { class: "quiet" }, `None in the ${side} set`))
    return list
  }

  thumb(item, side) {
    const { store } = this
    const name = store.classes[item.label]
    const note = item.exact !== undefined ? (item.exact ? "copy" : "near-copy")
      : item.share !== undefined ? shareText(item.share) : amount(item.distance)
    const frame = element("div", { class: "frame" })
    const whose = side === "training" ? "Training" : "Validation"
    if (store.hasPictures) {
      const image = element("img", { alt: `${whose} image of ${name}`, decoding: "async" })
      image.onload = () => image.classList.toggle("pixelated", pixelated(image))
      image.onerror = () => frame.replaceChildren()
      image.src = store.pictureUrl(PICTURES[side], item.row, 128)
      frame.append(image)
    } else {
      frame.append(element("span", { class: "id" }, item.id))
    }
    const same = item.label === store.labels[this.row]
    const made = element("figure", { title: `${whose} image ${item.id}: ${name}, ${note}`, class: item.exact !== undefined && "copied" }, frame,
      element("figcaption", {},
        element("span", { class: same ? "same" : "other" }, name), element("span", {}, note)))
    made.onpointerenter = () => this.hooks.peek(item.row, side, `${whose}: ${name}`)
    made.onpointerleave = () => this.hooks.peek(null)
    if (side !== "training") return made
    store.ids.learn(item.row, item.id) // its address holds it
    return element("a", { href: this.hooks.link(item.row), target: "_blank", rel: "noopener" }, made)
  }
}
