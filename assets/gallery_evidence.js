// Why an image has its value: sections under the decision, each of which stays open or closed.

const OPEN_KEY = "assay.sections"
const STRIP = 7
// Validation images in the answer, and which section shows them.
const STRIPS = [["matched"], ["own"], ["other"], ["overall"]]

// A heading that opens what is under it; the browser remembers which ones are open.
class Section {
  constructor(name, title, open, key = null) {
    this.name = name
    this.title = element("span", { class: "heading" }, title)
    this.says = element("span", { class: "says" })
    this.body = element("div", { class: "inside" })
    const heading = element("summary", key ? { "aria-keyshortcuts": key } : {}, this.title, this.says)
    if (key) heading.append(element("kbd", {}, key))
    this.root = element("details", { class: `section ${name}` }, heading, this.body)
    this.root.open = kept.read("localStorage", OPEN_KEY, {})[name] ?? open
    this.root.ontoggle = () => {
      const known = kept.read("localStorage", OPEN_KEY, {})
      kept.write("localStorage", OPEN_KEY, { ...known, [name]: this.root.open })
      if (this.root.open) this.opened?.()
    }
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

// "3 copies, 2 labelled dog"; "" where there are none. `own` is the position of the image's label.
function copiesText({ labels }, classes, own) {
  const total = Object.values(labels).reduce((sum, n) => sum + n, 0)
  if (!total) return ""
  const others = Object.entries(labels).filter(([label]) => Number(label) !== own)
  const what = total === 1 ? "1 copy or near-copy" : `${count(total)} copies or near-copies`
  if (!others.length) return `${what}, labelled the same`
  const named = others.sort((a, b) => b[1] - a[1]).map(([label, n]) => (total === 1 ? `labelled ${classes[label]}` : `${count(n)} labelled ${classes[label]}`))
  return `${what}, ${named.join(", ")}`
}

class Evidence {
  // hooks: link(row) for the address of an image, peek(item, side) when one is pointed at, or null.
  constructor(hooks) {
    this.hooks = hooks
    this.plan = new Section("plan", "Matched by the plan", true)
    this.near = new Section("near", "Nearest validation images", true)
    this.training = new Section("training", "Nearest training images", false)
    this.scores = new Section("scores", "Other methods", false)
    this.cost = element("div", { class: "cost" })
    this.sections = [this.plan, this.near, this.training, this.scores]
  }

  // `answer` is what the server says of the image, null while it is awaited.
  show(store, row, answer) {
    this.store = store
    this.row = row
    this.answer = answer
    for (const section of this.sections) section.say("")
    this.showPlan()
    this.showNear()
    this.showTraining()
    this.showScores()
  }

  showPlan() {
    const { answer } = this
    this.plan.body.replaceChildren(this.strip(answer?.matched, "validation"), this.cost)
    this.cost.replaceChildren()
    if (!answer) return
    this.plan.say("share of its mass")
    this.showCost(answer)
  }

  // How much of the cost of moving this image comes from its looks, how much from its label.
  showCost({ feature_cost: feature, label_cost: label }) {
    const total = feature + label
    const percent = part => (total > 0 ? Math.round((100 * part) / total) : 0)
    const bar = element("div", { class: "parts", role: "img",
      "aria-label": `Cost ${amount(total)}: ${percent(feature)} % from features, ${percent(label)} % from the label` },
      element("i", { class: "feature" }), element("i", { class: "label" }))
    bar.firstChild.style.flexGrow = String(Math.max(feature, 0))
    bar.lastChild.style.flexGrow = String(Math.max(label, 0))
    this.cost.append(
      element("span", { class: "quiet" }, `Cost ${amount(total)}`),
      element("span", { class: "feature" }, `features ${amount(feature)}`), bar,
      element("span", { class: "label" }, `label ${amount(label)}`))
  }

  showNear() {
    const { store, answer } = this
    if (!answer) return this.near.body.replaceChildren(this.strip(null), this.strip(null))
    const label = store.classes[store.labels[this.row]]
    const like = store.classes[store.looksLike[this.row]]
    const part = (what, items) => [element("h5", {}, ...what), this.strip(items, "validation")]
    const other = answer.other.length
      ? part(["Of ", element("b", {}, like), ", which it looks like"], answer.other)
      : part(["Of any class"], answer.overall)
    this.near.say("distance")
    this.near.body.replaceChildren(...part(["Of its label, ", element("b", {}, label)], answer.own), ...other)
  }

  showTraining() {
    const { store, answer, row } = this
    if (!answer) return this.training.body.replaceChildren(this.strip(null))
    const { copies } = answer
    const own = store.labels[row]
    const found = copiesText(copies.training, store.classes, own)
    this.training.say(found || "no copies")
    const copied = new Map(copies.training.images.map(image => [image.row, image]))
    // Copies first, also those that lie far off by their features.
    const nearest = answer.training.filter(image => !copied.has(image.row))
    const distance = new Map(answer.training.map(image => [image.row, image.distance]))
    const items = [...copied.values()].map(image => ({ ...image, distance: distance.get(image.row) ?? null }))
    const shown = [this.strip([...items, ...nearest], "train")]
    if (copies.validation.images.length) {
      const words = copiesText(copies.validation, store.classes, own)
      shown.push(element("h5", {}, `In the validation set: ${words}`), this.strip(copies.validation.images, "validation"))
    }
    this.training.body.replaceChildren(...shown, element("p", { class: "quiet small" }, copies.rule))
  }

  showScores() {
    const scores = this.answer?.scores ?? []
    this.scores.root.hidden = !scores.length
    if (!scores.length) return this.scores.body.replaceChildren()
    const flags = scores.filter(score => score.flagged !== null)
    const flagging = flags.filter(score => score.flagged).length
    this.scores.say(flags.length ? `${flagging} of ${flags.length} flag it` : "")
    const head = element("tr", {}, ...["", "Rank", "Score", ""].map(name => element("th", { scope: "col" }, name)))
    const lines = scores.map(score => element("tr", {},
      element("th", { scope: "row", title: score.origin }, score.title),
      element("td", {}, `${count(score.rank)} of ${count(score.of)}`),
      element("td", {}, amount(score.score)),
      element("td", {}, score.flagged ? element("span", { class: "flag" }, "Flagged") : "")))
    this.scores.body.replaceChildren(
      element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines)),
      element("p", { class: "quiet small" }, "Rank 1 is the worst."))
  }

  // -- pictures ----------------------------------------------------------------------------------

  // A row of images; null while they are awaited.
  strip(items, side) {
    const list = element("div", { class: "strip" })
    if (items) list.append(...items.slice(0, STRIP).map(item => this.thumb(item, side)))
    if (items && !items.length) list.append(element("span", { class: "quiet" }, `None in the ${side === "train" ? "training" : "validation"} set`))
    return list
  }

  thumb(item, side) {
    const { store } = this
    const name = store.classes[item.label]
    const note = item.exact !== undefined ? (item.exact ? "copy" : "near-copy")
      : item.share !== undefined ? shareText(item.share) : amount(item.distance)
    const frame = element("div", { class: "frame" })
    const whose = side === "train" ? "Training" : "Validation"
    if (store.hasPictures) {
      const image = element("img", { alt: `${whose} image of ${name}`, decoding: "async" })
      image.onload = () => image.classList.toggle("pixelated", pixelated(image))
      image.onerror = () => frame.replaceChildren()
      image.src = store.pictureUrl(side, item.row, 128)
      frame.append(image)
    } else {
      frame.append(element("span", { class: "id" }, item.id))
    }
    const same = item.label === store.labels[this.row]
    const made = element("figure", { title: `${whose} image ${item.id}: ${name}, ${note}`, class: item.exact !== undefined && "copied" }, frame,
      element("figcaption", {},
        element("span", { class: same ? "same" : "other" }, name), element("span", {}, note)))
    made.onpointerenter = () => this.hooks.peek({ ...item, name, whose }, side)
    made.onpointerleave = () => this.hooks.peek(null)
    if (side !== "train") return made
    store.idAt.set(item.row, item.id) // its address holds it
    return element("a", { href: this.hooks.link(item.row), target: "_blank", rel: "noopener" }, made)
  }
}
