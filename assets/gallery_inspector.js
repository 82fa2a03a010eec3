// The inspector: the selected image, why it has its value, and what to do about it. The evidence is
// asked for once a key comes to rest; nothing that a decision needs waits for it.

const SETTLE_MS = 45 // while a key is held down, evidence is asked for where it stops

class Inspector {
  // hooks: act(verdict, label) for a decision, relabel() to be asked for a label, undo(), enlarge(),
  // link(row) for the address of an image, settled(row) when its evidence is there, written() after a
  // note was.
  constructor(root, hooks) {
    this.hooks = hooks
    this.root = root.querySelector(".inspector")
    this.root.replaceChildren()
    this.row = -1
    this.evidence = new Evidence({
      link: row => this.hooks.link(row),
      peek: (...what) => this.peek(...what),
    })
    this.whatIf = new WhatIf()
    this.history = new History(() => this.hooks.written())
    this.build()
  }

  build() {
    const part = (name, tag = "div", attributes = {}) => {
      this[name] = element(tag, { class: name, ...attributes })
      return this[name]
    }
    this.buttons = ACTIONS.map(([verdict, label, key]) =>
      actButton(label, key, () => this.hooks.act(verdict), verdict))
    this.suggested = element("button", { type: "button", class: "act relabel suggested", hidden: true })
    this.relabel = actButton("Relabel to\u2026", "L", () => this.hooks.relabel(), "other")
    this.back = actButton("Undo", "Z", () => this.hooks.undo(), "undo")
    this.link = element("a", { class: "link", target: "_blank", rel: "noopener" }, "Copy link")
    this.link.onclick = event => this.copyLink(event)
    part("picture", "div", { title: "Double click or Space: full size" })
    this.picture.ondblclick = () => this.hooks.enlarge()
    const facts = element("div", { class: "facts" },
      element("div", { class: "title" }, part("name", "span"), this.link),
      part("labels", "dl"), part("worth", "p"), part("place", "p"), part("copied", "p"), part("stands"))
    const sections = [...this.evidence.sections, this.whatIf.section, this.history.section]
    this.root.append(
      element("div", { class: "head" },
        element("div", { class: "top" }, this.picture, facts),
        part("why"),
        element("div", { class: "acts" }, ...this.buttons, this.suggested, this.relabel, this.back),
        part("trouble", "p", { hidden: true })),
      element("div", { class: "sections" }, ...sections.map(section => section.root)),
    )
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

  show(store, row) {
    const moved = row !== this.row || store !== this.store
    if (store !== this.store) this.showTrouble(null)
    this.store = store
    this.row = row
    this.root.classList.toggle("empty", row < 0)
    if (row < 0) return
    this.mark()
    if (!moved) return
    this.showPicture()
    this.showFacts()
    this.whatIf.show(store, row)
    this.history.show(store, row)
    clearTimeout(this.wait)
    const known = store.evidenceOf.get(row)?.answer
    if (known) this.showEvidence(known)
    else {
      this.showEvidence(null)
      this.wait = setTimeout(() => this.fetchEvidence(row), SETTLE_MS)
    }
  }

  // Keep what is being written, though nobody has said that it is finished.
  save() {
    this.history.save()
  }

  close() {
    clearTimeout(this.wait)
    this.history.close()
  }

  // -- the image ---------------------------------------------------------------------------------

  showPicture() {
    const { store, row } = this
    this.root.classList.toggle("pictureless", !store.hasPictures)
    this.picture.classList.remove("missing")
    delete this.picture.dataset.ready
    if (!store.hasPictures) return this.picture.replaceChildren()
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

  // The server was away: what could not be shown may be there by now.
  drawMissing() {
    if (this.row < 0 || !this.picture.classList.contains("missing")) return
    this.showPicture()
    const known = this.store.evidenceOf.get(this.row)?.answer
    if (known) this.showEvidence(known)
    else this.fetchEvidence(this.row)
  }

  // A thumbnail that was made smaller gives way to the full picture once that is decoded.
  async sharpen(small, row) {
    if (Math.max(small.naturalWidth, small.naturalHeight) < 200) return
    const full = new Image()
    full.alt = small.alt
    full.src = this.store.pictureUrl("train", row, 1280)
    await full.decode().catch(() => {})
    if (row === this.row && full.naturalWidth) small.replaceWith(full)
  }

  // Another image in the place of the selected one, as long as it is pointed at: to compare them.
  peek(row, side, words) {
    this.picture.querySelector(".peek")?.remove()
    if (row === null || !this.store.hasPictures) return
    const image = element("img", { alt: "" })
    image.onload = () => image.classList.toggle("pixelated", pixelated(image))
    image.src = this.store.pictureUrl(PICTURES[side], row, 256)
    this.picture.append(element("div", { class: "peek" }, image, element("span", {}, words)))
  }

  showFacts() {
    const { store, row } = this
    const label = store.labels[row]
    const like = store.looksLike[row]
    const words = store.words(row)
    this.showId()
    const fact = (name, value, same) => [
      element("dt", {}, name), element("dd", { class: same && "same", title: value }, value)]
    this.labels.replaceChildren(
      ...fact("Labelled", store.classes[label]), ...fact("Looks like", store.classes[like], like === label))
    this.worth.replaceChildren(
      element("span", { class: `dot ${words.hurts ? "hurts" : "helps"}` }), element("b", {}, words.text))
    const worst = store.classRank[row] === 1 ? "worst" : `${ordinal(store.classRank[row])} worst`
    this.place.textContent =
      `Value ${amount(store.values[row])}. Rank ${count(store.rank[row])} of ${count(store.n)}, ` +
      `${worst} of ${count(store.classSize[label])} in its class.` +
      (store.hasPictures ? "" : " The set is embeddings only: it has no pictures.")
  }

  showId() {
    const id = this.store.idOf(this.row)
    this.name.textContent = id
    this.name.title = id
    this.link.href = this.hooks.link(this.row)
  }

  // -- what was decided --------------------------------------------------------------------------

  mark() {
    const { store, row } = this
    const state = store.state(row)
    const chips = [state[0] === UNDECIDED ? element("span", { class: "quiet" }, "Undecided") : badge(state)]
    if (store.disputed(row)) chips.push(element("span", { class: "chip" }, "Reviewers disagree"))
    if (store.noted(row)) chips.push(element("span", { class: "chip" }, "Noted"))
    this.stands.replaceChildren(...chips)
    ACTIONS.forEach(([verdict], i) => {
      this.buttons[i].setAttribute("aria-pressed", String(state[0] === verdict))
    })
    this.relabel.setAttribute("aria-pressed", String(state[0] === "relabel"))
    this.back.disabled = !store.undoStack.length
    this.showSuggestion(state)
    this.history.mark()
  }

  showSuggestion([verdict, label]) {
    const { store, row } = this
    const found = store.suggestion(row)
    this.suggested.hidden = !found
    this.relabel.querySelector("span").textContent = found ? "Another\u2026" : "Relabel to\u2026"
    if (!found) return
    const name = store.classes[found.label]
    const taken = verdict === "relabel" && label === name
    this.suggested.replaceChildren(icon(VERDICTS.relabel.icon), element("span", {}, `Relabel ${name}`))
    this.suggested.title = `Relabel to ${name}: the right label with a probability of ${sureText(found.confidence)}`
    this.suggested.setAttribute("aria-label", this.suggested.title)
    this.suggested.setAttribute("aria-pressed", String(taken))
    if (taken) this.relabel.setAttribute("aria-pressed", "false")
    this.suggested.onclick = () => this.hooks.act("relabel", name)
  }

  // -- evidence ----------------------------------------------------------------------------------

  fetchEvidence(row) {
    const { store } = this
    const current = () => row === this.row && store === this.store
    store.evidence(row).then(
      answer => {
        if (current()) this.showEvidence(answer)
        this.hooks.settled?.(row)
      },
      error => {
        if (!current()) return
        this.why.replaceChildren(element("p", {}, `The evidence could not be loaded: ${error.message}`))
      },
    )
  }

  // What is wrong with the whole run, as pictures that are gone; it stays until another is shown.
  showTrouble(sentence) {
    this.trouble.textContent = sentence ?? ""
    this.trouble.hidden = !sentence
  }

  showEvidence(answer) {
    const [verdict, ...grounds] = answer?.reasons ?? []
    this.why.replaceChildren(...(answer
      ? [element("p", { class: "verdict" }, verdict), element("p", {}, grounds.join(" "))] : []))
    this.copied.textContent = answer ? this.copies(answer) : ""
    this.evidence.show(this.store, this.row, answer)
  }

  // What shows the same, where that is news: another label, or a place in the validation set.
  copies({ copies: { training, validation } }) {
    const { store } = this
    const own = store.labels[this.row]
    const held = copiesText(validation, store.classes, own)
    if (held) return `In the validation set: ${held}.`
    const found = copiesText(training, store.classes, own)
    return found && `In the training set: ${found}.`
  }
}
