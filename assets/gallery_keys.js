// Which key does what in the review.

// These go on while they are held down; whoever leans on R removes one image.
const REPEATING = /^(Arrow.*|Page.*|[z+=-])$/i
const WRITTEN_IN = "textarea, select, input:not([type=range], [type=checkbox], [type=radio], [type=button])"
const PRESSED = "button, a, input, [role=slider], [role=tab], [role=radio], [role=option], [role=dialog], [role=menu], summary"
const OVER_THE_PAGE = "[role=dialog], [role=menu], [role=listbox], [data-testid=stPopoverBody]"

class Keyboard {
  constructor(view, actions) {
    this.view = view
    this.actions = actions
    this.onKey = event => this.key(event)
    // Before Streamlit's own shortcuts (R reruns the app), hence on the window and captured.
    globalThis.addEventListener("keydown", this.onKey, true)
    // What is typed into our own fields is no shortcut of Streamlit's either.
    view.root.addEventListener("keydown", event => event.stopPropagation())
  }

  key(event) {
    const { view, actions } = this
    if (!view.loaded || view.closed || event.defaultPrevented || event.isComposing || event.altKey) return
    if (actions.busy || view.asking) return // a window is open; it has its own keys
    const target = event.composedPath()[0]
    const typing = target.matches?.(WRITTEN_IN) || target.isContentEditable
    const inside = view.root.contains(target)
    // Other controls of the page keep the keys that work them; the letters are ours everywhere,
    // unless something lies over the page.
    if (!inside && target.closest?.(OVER_THE_PAGE)) return
    if (event.key === "Escape") return this.escape(event, inside, typing && target.getAttribute("aria-expanded") !== "true")
    if (typing) return
    if (event.ctrlKey || event.metaKey) return this.withControl(event, inside)
    const elsewhere = !inside && target !== document.body && target.closest?.(PRESSED)
    const letter = this.letters[event.key.length === 1 ? event.key.toLowerCase() : ""]
    const press = inside && target.matches("button, summary, a, input") && (event.key === "Enter" || event.key === " ")
    const move = elsewhere || press ? undefined : this.moves[event.key]
    const run = letter ?? move
    if (!run) return
    this.caught(event)
    if (!event.repeat || REPEATING.test(event.key)) run(event)
  }

  // One thing at a time: what lies over the page, then the selection; out of a field in any case.
  escape(event, inside, field) {
    const { view, actions } = this
    if (actions.zoom.open) return // the browser closes it
    if (!inside && !field && !view.selection.size && event.composedPath()[0] !== document.body) return
    if (view.progress.open) view.progress.toggle(false)
    else if (!field) actions.selectNone()
    view.focusGrid()
    this.caught(event)
  }

  withControl(event, inside) {
    const key = event.key.toLowerCase()
    if (key === "a" && inside) this.actions.selectAll()
    else if (key === "z") this.actions.undo(event.shiftKey)
    else return
    this.caught(event)
  }

  caught(event) {
    event.preventDefault()
    event.stopImmediatePropagation()
  }

  get letters() {
    const { view, actions } = this
    return {
      k: () => actions.decide("keep"),
      r: () => actions.decide("remove"),
      u: () => actions.decide("unsure"),
      l: () => actions.relabel(),
      n: () => actions.note(),
      a: () => actions.selectAll(),
      x: () => actions.toggle(view.position),
      z: event => actions.undo(event.shiftKey),
      w: () => view.inspector.whatIf.ask(),
      p: () => view.progress.toggle(),
      "?": () => view.help.ask(),
    }
  }

  get moves() {
    const { view, actions } = this
    const { grid } = view
    const last = view.rows.length - 1
    const to = position => event => {
      if (last < 0) return
      const there = Math.min(last, Math.max(0, position))
      if (event.shiftKey) actions.extendTo(there)
      else {
        view.selection.anchor = null
        view.selection.span = null
        view.moveTo(there)
      }
    }
    const at = view.position
    return {
      ArrowLeft: to(at - 1),
      ArrowRight: to(at + 1),
      ArrowUp: to(at >= grid.columns ? at - grid.columns : at),
      ArrowDown: to(at + grid.columns),
      PageUp: to(at - grid.page),
      PageDown: to(at + grid.page),
      Home: to(0),
      End: to(last),
      " ": () => actions.enlarge(),
    }
  }

  close() {
    globalThis.removeEventListener("keydown", this.onKey, true)
  }
}
