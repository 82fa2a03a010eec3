// What the review and the map do alike around their own content: one view for a place in the page,
// one store for a run, a height that fills the window, and words for who cannot see the change.

const BELOW = 16 // px left free below the component
const LEAST_HEIGHT = 460
const SAY_AFTER_MS = 120
const PICTURES_AGAIN_MS = 3000

// What is known of a run outlives the component, and is the same on both pages.
const shared = (globalThis.__assayReview ??= { stores: new Map(), views: new WeakMap() })

// The view that is drawn in `parent` already, or a new one: Streamlit runs a component again
// whenever its data or the theme changes.
function viewIn(parent, View) {
  let view = shared.views.get(parent)
  if (!view || view.closed || !parent.contains(view.root)) {
    view?.close()
    view = new View(parent)
    shared.views.set(parent, view)
  }
  return view
}

// The store of a run, made at the first visit; later ones hear what was decided since.
function storeOf({ run, base, login }) {
  const known = shared.stores.get(run)
  if (known && known.reviewer === reviewerName(login)) known.refresh()
  else if (known) known.setReviewer(reviewerName(login)) // changed while another run was open
  else shared.stores.set(run, new ReviewStore(run, base, login))
  return shared.stores.get(run)
}

// Start anew with a run that could not be loaded; what is not saved yet is kept in the browser.
function forgetStore(run) {
  shared.stores.get(run)?.queue.close()
  shared.stores.delete(run)
}

class Frame {
  // hooks: store() that is shown now, if any; leave() before the page goes away.
  constructor(root, hooks) {
    this.root = root
    this.hooks = hooks
    this.saved = root.querySelector(".saved")
    this.live = root.querySelector(".live")
    this.retry = element("button", { type: "button", class: "retry" }, "Retry now")
    this.retry.hidden = true
    this.retry.onclick = () => hooks.store()?.queue.retry()
    this.words = element("span", {})
    this.saved.replaceChildren(this.words, this.retry)
    this.onResize = () => this.fit()
    globalThis.addEventListener("resize", this.onResize)
    // Somebody else may have decided meanwhile.
    this.onReturn = () => document.visibilityState === "visible" && hooks.store()?.refresh()
    document.addEventListener("visibilitychange", this.onReturn)
    this.onLeave = () => hooks.leave()
    globalThis.addEventListener("pagehide", this.onLeave)
    this.shifted = new ResizeObserver(() => this.fit())
    this.shifted.observe(document.body)
    const block = root.getRootNode().host?.closest("[data-testid=stVerticalBlock]")
    if (block) this.shifted.observe(block)
  }

  // Fill the window down to its lower edge.
  fit() {
    const scroller = this.root.getRootNode().host?.closest("[data-testid=stMain]")
    const top = this.root.getBoundingClientRect().top + (scroller?.scrollTop ?? 0)
    const height = `${Math.max(LEAST_HEIGHT, Math.floor(innerHeight - top - BELOW))}px`
    if (this.root.style.height !== height) this.root.style.height = height
  }

  // What is on its way to the server; said aloud only when it does not get there, and when it does again.
  showQueue(queue) {
    const { kind, text } = queue.state()
    const bad = kind === "unsaved" || kind === "refused"
    if (bad ? this.saved.dataset.kind !== kind : this.wasBad && kind === "saved") this.say(text)
    if (kind !== "saving") this.wasBad = bad
    this.saved.dataset.kind = kind
    this.saved.title = bad ? text : ""
    if (this.words.textContent !== text) this.words.textContent = text
    this.retry.hidden = kind !== "unsaved"
  }

  // What the server says about a picture that is missing, once for all of them. Where it is away,
  // again() is called when it may be back.
  async whyMissing(url, again) {
    if (this.explained) return null
    this.explained = true
    const response = await fetch(url).catch(() => null)
    if (response) return (await response.json().catch(() => null))?.error ?? null
    await new Promise(over => setTimeout(over, PICTURES_AGAIN_MS))
    this.explained = false
    if (!this.closed) again()
    return null
  }

  say(sentence) {
    clearTimeout(this.saying)
    this.saying = setTimeout(() => { this.live.textContent = sentence }, SAY_AFTER_MS)
  }

  close() {
    this.closed = true
    this.hooks.leave()
    clearTimeout(this.saying)
    globalThis.removeEventListener("resize", this.onResize)
    globalThis.removeEventListener("pagehide", this.onLeave)
    document.removeEventListener("visibilitychange", this.onReturn)
    this.shifted.disconnect()
  }
}
