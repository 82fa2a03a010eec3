// The inspector: the selected image, why it has its value, and what to do about it.

const STRIP = 7
const SETTLE_MS = 45 // while a key is held down, evidence is asked for where it stops

const ACTIONS = [
  ["keep", "Keep", "K"],
  ["remove", "Remove", "R"],
  ["unsure", "Unsure", "U"],
]
const STRIPS = [
  ["matched", "Matched to under the plan", "share of its mass"],
  ["own", "Nearest validation images of its label", "distance"],
  ["overall", "Nearest validation images overall", "distance"],
]

class Inspector {
  // hooks: act(verdict, label) for a decision, undo(), link(row) for the address of an image.
  constructor(root, hooks) {
    this.hooks = hooks
    this.root = root.querySelector(".inspector")
    this.root.replaceChildren()
    this.build()
    this.row = -1
  }

  build() {
    const part = (name, tag = "div") => {
      this[name] = element(tag, { class: name })
      return this[name]
    }
    const button = (name, label, key, run) => {
      const made = element("button", { type: "button", class: `act ${name}`, "aria-keyshortcuts": key })
      if (VERDICTS[name]) made.append(icon(VERDICTS[name].icon))
      made.append(element("span", {}, label), element("kbd", {}, key))
      made.onclick = run
      return made
    }
    this.buttons = ACTIONS.map(([verdict, label, key]) =>
      button(verdict, label, key, () => this.hooks.act(verdict)))
    this.relabel = element("select", { class: "relabel", "aria-label": "Relabel to (L)", title: "Relabel to (L)" })
    this.relabel.onchange = () => {
      const label = this.relabel.value
      this.relabel.selectedIndex = 0
      if (label) this.hooks.act("relabel", label)
    }
    this.back = button("undo", "Undo", "Z", () => this.hooks.undo())
    this.link = element("a", { class: "link", target: "_blank", rel: "noopener" }, "Copy link")
    this.link.onclick = event => this.copyLink(event)
    this.root.append(
      element("div", { class: "top" }, part("picture"),
        element("div", { class: "facts" },
          element("div", { class: "title" }, part("name", "span"), this.link),
          part("labels", "p"), part("worth", "p"), part("place", "p"), part("judgement", "p"), part("stands", "p"), part("cost"))),
      element("div", { class: "acts" }, ...this.buttons, this.relabel, this.back),
    )
    this.whatIf = new WhatIf()
    this.root.append(this.whatIf.root)
    this.strips = {}
    for (const [key, title, unit] of STRIPS) {
      const list = element("div", { class: "strip" })
      this.strips[key] = list
      this.root.append(element("section", {},
        element("h4", {}, title, element("span", {}, unit)), list))
    }
    this.trouble = element("p", { class: "trouble", hidden: true })
    this.root.append(this.trouble)
  }

  async copyLink(event) {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return
    if (!navigator.clipboard) return // plain http: the link opens instead
    event.preventDefault()
    try {
      await navigator.clipboard.writeText(this.link.href)
      this.link.textContent = "Copied"
    } catch {
      this.link.textContent = "Not allowed"
    }
    setTimeout(() => { this.link.textContent = "Copy link" }, 1200)
  }

  setClasses(store) {
    const first = element("option", { value: "" }, "Relabel to… (L)")
    this.relabel.replaceChildren(first, ...store.classes.map(name => element("option", { value: name }, name)))
  }

  show(store, row) {
    const moved = row !== this.row || store !== this.store
    this.store = store
    this.row = row
    this.root.classList.toggle("empty", row < 0)
    if (row < 0) return
    this.mark()
    if (!moved) return
    this.showPicture()
    this.showFacts()
    this.whatIf.show(store, row)
    clearTimeout(this.wait)
    const known = store.evidenceOf.get(row)?.answer
    if (known) this.showEvidence(known)
    else {
      this.showEvidence(null)
      this.wait = setTimeout(() => this.fetchEvidence(row), SETTLE_MS)
    }
  }

  showPicture() {
    const { store, row } = this
    this.picture.classList.toggle("missing", !store.hasPictures)
    delete this.picture.dataset.ready
    if (!store.hasPictures) return this.picture.replaceChildren(element("span", {}, "Embeddings only"))
    const image = store.picture(row)
    image.alt = `Training image ${store.idOf(row)}, labelled ${store.classes[store.labels[row]]}`
    this.picture.replaceChildren(image)
    image.shown.then(good => {
      if (row !== this.row) return
      if (!good) {
        this.picture.classList.add("missing")
        this.picture.replaceChildren(element("span", {}, "No picture"))
        return
      }
      image.classList.toggle("pixelated", pixelated(image))
      this.picture.dataset.ready = row
      this.sharpen(image, row)
    })
  }

  // A thumbnail that was made smaller gives way to the full picture once that is decoded.
  async sharpen(small, row) {
    if (Math.max(small.naturalWidth, small.naturalHeight) < 200) return
    const full = new Image()
    full.alt = small.alt
    full.src = this.store.pictureUrl("train", row, 1280)
    await full.decode().catch(() => {})
    if (row === this.row && full.naturalWidth) this.picture.replaceChildren(full)
  }

  showFacts() {
    const { store, row } = this
    const label = store.labels[row]
    const words = store.words(row)
    this.showId()
    const like = store.looksLike[row]
    this.labels.replaceChildren("Labelled ", element("b", {}, store.classes[label]))
    if (like === label) this.labels.append(", looks like it")
    else this.labels.append(", looks like ", element("b", {}, store.classes[like]))
    this.worth.replaceChildren(
      element("span", { class: `dot ${words.hurts ? "hurts" : "helps"}` }),
      element("b", {}, words.text),
    )
    const worst = store.classRank[row] === 1 ? "worst" : `${ordinal(store.classRank[row])} worst`
    this.place.textContent =
      `Value ${amount(store.values[row])}, rank ${count(store.rank[row])} of ` +
      `${count(store.n)}; ${worst} in ${store.classes[label]}`
  }

  // Ids come a moment after the image that they name.
  showId() {
    const id = this.store.idOf(this.row)
    this.name.textContent = id
    this.name.title = id
    this.link.href = this.hooks.link(this.row)
  }

  mark() {
    const state = this.store.state(this.row)
    const decided = state[0] !== UNDECIDED
    this.stands.replaceChildren(decided ? badge(state) : element("span", { class: "quiet" }, "Undecided"))
    ACTIONS.forEach(([verdict], i) => {
      this.buttons[i].setAttribute("aria-pressed", String(state[0] === verdict))
    })
    this.back.disabled = !this.store.undoStack.length
  }

  fetchEvidence(row) {
    const { store } = this
    const current = () => row === this.row && store === this.store
    store.evidence(row).then(
      answer => {
        if (current()) this.showEvidence(answer)
        this.hooks.settled?.(row)
      },
      error => {
        if (current()) this.showTrouble(`The evidence could not be loaded: ${error.message}`)
      },
    )
  }

  showTrouble(sentence) {
    this.trouble.textContent = sentence ?? ""
    this.trouble.hidden = !sentence
  }

  showEvidence(answer) {
    const { store } = this
    this.showTrouble(null)
    this.root.classList.toggle("waiting", !answer)
    this.cost.replaceChildren()
    for (const [key] of STRIPS) {
      this.strips[key].replaceChildren(...(answer?.[key] ?? []).slice(0, STRIP).map(item => this.thumb(item)))
      if (answer && !answer[key]?.length) {
        this.strips[key].append(element("span", { class: "quiet" }, "None in the validation set"))
      }
    }
    this.showJudgement(answer)
    if (!answer) return
    this.showCost(answer)
  }

  // What a calibrated run says of a fault, or a label posterior of the label.
  showJudgement(answer) {
    const { fault, suggestion } = answer ?? {}
    let words = ""
    if (fault) {
      words = fault.probability >= 0.5
        ? `Likely fault: ${fault.kind}, ${shareText(fault.probability)}`
        : `Likely sound: ${shareText(1 - fault.probability)}`
    } else if (suggestion) {
      const own = this.store.labels[this.row]
      words = suggestion.label === own
        ? `Its label fits: ${shareText(suggestion.own)}`
        : `Suggested label: ${this.store.classes[suggestion.label]}, ${shareText(suggestion.probability)}`
    }
    this.judgement.textContent = words
    this.judgement.title = fault ? "Learned from faults planted in held-out validation images" : ""
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
      element("div", { class: "quiet" }, `Cost ${amount(total)}`), bar,
      element("div", { class: "key" },
        element("span", { class: "feature" }, `Features ${amount(feature)}`),
        element("span", { class: "label" }, `Label ${amount(label)}`)),
    )
  }

  thumb(item) {
    const { store } = this
    const name = store.classes[item.label]
    const note = item.share == null ? amount(item.distance) : shareText(item.share)
    const frame = element("div", { class: "frame" })
    if (store.hasPictures) {
      const image = element("img", { alt: `Validation image of ${name}`, decoding: "async" })
      image.onload = () => image.classList.toggle("pixelated", pixelated(image))
      image.onerror = () => frame.replaceChildren()
      image.src = store.pictureUrl("validation", item.row, 128)
      frame.append(image)
    } else {
      frame.append(element("span", { class: "id" }, item.id))
    }
    const same = item.label === store.labels[this.row]
    return element("figure", { title: `${item.id}: ${name}, ${note}` }, frame,
      element("figcaption", {},
        element("span", { class: same ? "same" : "other" }, name), element("span", {}, note)))
  }
}

function shareText(share) {
  const percent = 100 * share
  return percent >= 9.95 ? `${percent.toFixed(0)} %` : percent >= 0.1 ? `${percent.toFixed(1)} %` : "< 0.1 %"
}
