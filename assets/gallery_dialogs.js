// Small windows over the page: which label, which note, who is reviewing. They are in the browser's
// top layer, so that nothing around the component can cover or clip them.

const LISTED = 60 // classes shown at once; typing narrows them down

class Window {
  // closed() is called once it is closed, however that happened, and before the next key: the
  // browser's own word on it comes later than keys that are typed ahead.
  constructor(root, name, label, closed) {
    this.box = element("dialog", { class: `window ${name}`, "aria-label": label })
    this.closed = closed
    // Here and below: a handler that returned false would keep the browser from doing its own part.
    this.box.onclose = () => this.ended()
    this.box.oncancel = event => {
      event.preventDefault()
      this.close()
    }
    // A click beside the window closes it; text that is selected may well end there.
    let began = false
    this.box.onpointerdown = event => { began = this.beside(event) }
    this.box.onclick = event => {
      if (began && this.beside(event)) this.close()
    }
    root.append(this.box)
  }

  beside({ target, clientX: x, clientY: y }) {
    const { left, right, top, bottom } = this.box.getBoundingClientRect()
    return target === this.box && (x < left || x > right || y < top || y > bottom)
  }

  get open() {
    return this.box.open
  }

  show(...content) {
    this.box.replaceChildren(...content)
    if (this.box.open) return
    this.shown = true
    this.box.showModal()
  }

  close() {
    if (!this.box.open) return
    this.box.close()
    this.ended()
  }

  ended() {
    if (!this.shown || this.box.open) return // told already
    this.shown = false
    this.closed?.()
  }

  remove() {
    this.shown = false
    this.box.remove()
  }
}

// Type to find a class; Enter takes the first one, which is the one suggested.
class Chooser extends Window {
  constructor(root, closed) {
    super(root, "chooser", "Relabel to", closed)
    this.input = element("input", { type: "text", role: "combobox", "aria-expanded": "true",
      "aria-controls": "chooser-list", "aria-label": "Class", autocomplete: "off", spellcheck: "false",
      placeholder: "Type a class" })
    this.list = element("div", { class: "choices", id: "chooser-list", role: "listbox", "aria-label": "Classes" })
    this.input.oninput = () => this.fill()
    this.box.onkeydown = event => this.key(event)
    this.list.onclick = event => this.take(event.target.closest("[role=option]")?.dataset.name)
  }

  // `first` are [class, why] that come before all others; choose(class) is called with the choice.
  ask({ title, classes, first, choose }) {
    this.first = new Map(first)
    this.classes = [...this.first.keys(), ...classes.filter(name => !this.first.has(name))]
    this.choose = choose
    this.input.value = ""
    this.show(element("h3", {}, title), this.input, this.list)
    this.fill()
    this.input.focus()
  }

  fill() {
    const typed = this.input.value.trim().toLowerCase()
    const at = name => name.toLowerCase().indexOf(typed)
    const found = this.classes.filter(name => at(name) >= 0)
    if (typed) found.sort((a, b) => Number(at(a) > 0) - Number(at(b) > 0)) // stable: beginnings first
    this.list.replaceChildren(...found.slice(0, LISTED).map((name, i) => {
      const option = element("div", { role: "option", id: `choice-${i}` }, element("span", {}, name))
      if (this.first.get(name)) option.append(element("span", { class: "quiet" }, this.first.get(name)))
      option.dataset.name = name
      return option
    }))
    if (!found.length) this.list.append(element("p", { class: "quiet" }, "No class of this name"))
    if (found.length > LISTED) this.list.append(element("p", { class: "quiet" }, `${count(found.length - LISTED)} more: type to find one`))
    this.point(0)
  }

  point(at) {
    const options = this.list.querySelectorAll("[role=option]")
    this.at = Math.max(0, Math.min(options.length - 1, at))
    options.forEach((option, i) => option.setAttribute("aria-selected", String(i === this.at)))
    options[this.at]?.scrollIntoView({ block: "nearest" })
    this.input.setAttribute("aria-activedescendant", options.length ? `choice-${this.at}` : "")
  }

  key(event) {
    if (event.key === "ArrowDown") this.point(this.at + 1)
    else if (event.key === "ArrowUp") this.point(this.at - 1)
    else if (event.key === "Enter" && !event.isComposing) {
      this.take(this.list.querySelector("[aria-selected=true]")?.dataset.name)
    } else return
    event.preventDefault()
  }

  take(name) {
    if (name === undefined) return
    this.close()
    this.choose(name)
  }
}

class NoteWindow extends Window {
  constructor(root, closed) {
    super(root, "note", "Note", closed)
    this.box.onclick = null // what was typed is not thrown away by a slip
    this.text = element("textarea", { rows: "4", maxlength: "2000", "aria-label": "Note",
      placeholder: "Why, in your words" })
    this.text.onkeydown = event => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return
      event.preventDefault()
      this.take()
    }
  }

  // `known` is a promise of the note that is there already.
  ask({ title, known, save }) {
    this.save = save
    this.text.value = ""
    const done = element("button", { type: "button", class: "main" }, "Save")
    done.onclick = () => this.take()
    const cancel = element("button", { type: "button" }, "Cancel")
    cancel.onclick = () => this.close()
    this.show(element("h3", {}, title), this.text,
      element("div", { class: "row" }, element("span", { class: "quiet" }, "Enter saves, Shift Enter breaks the line"), cancel, done))
    this.text.focus()
    known?.then(note => {
      if (this.open && !this.text.value) this.text.value = note
    }, () => {})
  }

  take() {
    const text = this.text.value.trim()
    this.close()
    this.save(text)
  }
}

// Asked once in a browser; Enter takes the name, Esc goes on without one.
class WhoWindow extends Window {
  constructor(root, closed) {
    super(root, "who-asks", "Who is reviewing?", closed)
    this.input = element("input", { type: "text", maxlength: "60", "aria-label": "Your name",
      autocomplete: "name", spellcheck: "false", placeholder: "Your name" })
    this.input.onkeydown = event => {
      if (event.key === "Enter" && !event.isComposing) this.close()
    }
  }

  ask() {
    const start = element("button", { type: "button", class: "main" }, "Start")
    start.onclick = () => this.close()
    this.show(element("h3", {}, "Who is reviewing?"),
      element("p", {}, "Your name is kept with each decision, so that a second reviewer's can be told from yours. You can change it later."),
      this.input, element("div", { class: "row" }, start))
    this.input.focus()
  }

  get name() {
    return this.input.value.trim() || "reviewer"
  }
}

// The picture as large as the window, with the keys at work.
class Zoom extends Window {
  constructor(root, closed) {
    super(root, "zoom", "The picture, enlarged", closed)
    this.box.onclick = null
    this.done = actButton("Close", "Space", () => this.close())
    this.box.ondblclick = () => this.close()
  }

  draw(store, row) {
    if (!store.hasPictures || row < 0) return this.close()
    const [verdict, label] = store.state(row)
    const name = store.classes[store.labels[row]]
    const like = store.looksLike[row]
    if (this.row !== row || !this.open) {
      this.row = row
      this.image = element("img", { alt: `Training image labelled ${name}`, draggable: "false" })
      this.image.onload = event => event.target.classList.toggle("pixelated", pixelated(event.target))
      this.image.src = store.pictureUrl("train", row, 1280)
    }
    const words = element("p", {}, element("b", {}, name))
    if (like !== store.labels[row]) words.append(", looks like ", element("b", {}, store.classes[like]))
    words.append(element("span", { class: "quiet" }, ` · rank ${count(store.rank[row])} of ${count(store.n)} · ${store.idOf(row)}`))
    const stands = verdict === UNDECIDED ? element("span", { class: "quiet" }, "Undecided") : badge([verdict, label])
    this.show(this.image, element("div", { class: "row" }, words, stands,
      element("span", { class: "quiet" }, "Arrows and K R U L go on"), this.done))
    this.box.focus()
  }
}
