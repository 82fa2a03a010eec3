// What is known about one run: its ranking, its decisions, its evidence. No DOM in here.

const UNDECIDED = "clear"
const EVIDENCE_KEPT = 300
const WHAT_IF_KEPT = 100
const PICTURES_KEPT = 48

const count = n => n.toLocaleString("en-US")

function amount(x) {
  if (x === 0) return "0"
  const text = Math.abs(x) >= 1e-3 && Math.abs(x) < 1e5 ? x.toPrecision(3) : x.toExponential(2)
  return text.replaceAll("-", "\u2212")
}

function ordinal(n) {
  const tail = n % 100
  const ending = tail > 10 && tail < 14 ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[n % 10] ?? "th")
  return `${count(n)}${ending}`
}

async function fetchJson(url) {
  const response = await fetch(url)
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Error(answer.error ?? `The server answered ${response.status}.`)
  return answer
}

// A map that forgets what was used least recently.
class Recent extends Map {
  constructor(limit) {
    super()
    this.limit = limit
  }

  get(key) {
    const value = super.get(key)
    if (value !== undefined) {
      this.delete(key)
      super.set(key, value)
    }
    return value
  }

  set(key, value) {
    super.set(key, value)
    while (this.size > this.limit) this.delete(this.keys().next().value)
    return this
  }
}

class ReviewStore {
  constructor(run, base) {
    this.run = run
    this.base = base
    this.states = new Map() // row -> [verdict, new label]; undecided rows are not in it
    this.undoStack = []
    this.redoStack = []
    this.evidenceOf = new Recent(EVIDENCE_KEPT)
    this.whatIfOf = new Recent(WHAT_IF_KEPT)
    this.pictureOf = new Recent(PICTURES_KEPT)
    this.listeners = new Set()
    this.revision = 0 // counts our own decisions: an answer asked for before one is out of date
    this.reviewer = kept.read("localStorage", "assay.reviewer") || "reviewer"
    this.queue = new DecisionQueue(run, `${base}/decisions`, {
      changed: () => this.tell({ queue: true }),
      settled: answer => this.reconcile(answer.states ?? {}),
    })
    this.ready = this.load()
    this.ready.catch(() => {}) // whoever waits for it shows it
  }

  async load() {
    const [ranking, decisions] = await Promise.all([
      fetchJson(`${this.base}/ranking`),
      this.fetchDecisions(),
    ])
    Object.assign(this, {
      ids: ranking.ids,
      labels: ranking.labels,
      values: ranking.values,
      classes: ranking.classes,
      order: ranking.order,
      looksLike: ranking.looks_like,
      neutral: ranking.neutral,
      hasPictures: ranking.pictures,
      version: ranking.dataset.slice(0, 12),
    })
    const n = this.ids.length
    this.rowOf = new Map(this.ids.map((id, row) => [id, row]))
    this.rank = new Uint32Array(n)
    this.classRank = new Uint32Array(n)
    this.classSize = new Uint32Array(this.classes.length)
    this.order.forEach((row, position) => {
      this.rank[row] = position + 1
      this.classRank[row] = ++this.classSize[this.labels[row]]
    })
    for (const [id, state] of Object.entries(decisions.states)) this.setState(this.rowOf.get(id), state)
    this.undoStack = this.strokes(decisions.undoable)
    for (const event of this.queue.pending) this.replay(event)
    this.queue.flush()
    return this
  }

  fetchDecisions() {
    return fetchJson(`${this.base}/decisions?reviewer=${encodeURIComponent(this.reviewer)}`)
  }

  // Take over what others, or this reviewer in another tab, decided since.
  async refresh() {
    const { revision } = this
    const answer = await this.fetchDecisions().catch(() => null)
    if (!answer || !this.rowOf || revision !== this.revision || this.queue.pending.length) return
    const undecided = [...this.states.keys()].map(row => [this.ids[row], [UNDECIDED, null]])
    this.reconcile({ ...Object.fromEntries(undecided), ...answer.states })
  }

  // Undo is everybody's own: a new name starts with what that name decided.
  async setReviewer(name) {
    this.reviewer = name
    kept.write("localStorage", "assay.reviewer", name)
    this.undoStack = []
    this.redoStack = []
    const { revision } = this
    const answer = await this.fetchDecisions().catch(() => null)
    if (answer && revision === this.revision && name === this.reviewer) {
      this.undoStack = this.strokes(answer.undoable)
    }
    this.tell({ rows: [] })
  }

  // Group rows of the log that were written together.
  strokes(rows) {
    const strokes = []
    for (const row of rows) {
      const change = {
        row: this.rowOf.get(row.image_id),
        after: [row.verdict, row.new_label],
        before: row.before,
      }
      if (change.row === undefined) continue
      const last = strokes.at(-1)
      if (row.batch_id && last?.batch === row.batch_id) last.changes.push(change)
      else strokes.push({ event: row.event_id, batch: row.batch_id, changes: [change] })
    }
    return strokes
  }

  // Put an event that the server has not confirmed on top of what it told us.
  replay(event) {
    if (event.undoes) {
      for (const [id, ...state] of event.restores ?? []) this.setState(this.rowOf.get(id), state)
      this.undoStack = this.undoStack.filter(stroke => stroke.event !== event.undoes)
      return
    }
    const row = this.rowOf.get(event.image_id)
    if (row === undefined || this.undoStack.some(stroke => stroke.event === event.event_id)) return
    const after = [event.verdict, event.new_label ?? null]
    this.undoStack.push({
      event: event.event_id,
      batch: event.batch_id ?? null,
      changes: [{ row, after, before: this.state(row) }],
    })
    this.setState(row, after)
  }

  listen(listener) {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  tell(change) {
    for (const listener of this.listeners) listener(change)
  }

  state(row) {
    return this.states.get(row) ?? [UNDECIDED, null]
  }

  setState(row, state) {
    if (row === undefined) return
    if (state[0] === UNDECIDED) this.states.delete(row)
    else this.states.set(row, [state[0], state[1] ?? null])
  }

  // The server's word on images, except where a decision of ours is still on its way.
  reconcile(states) {
    const open = new Set()
    for (const event of this.queue.pending) {
      if (event.image_id) open.add(event.image_id)
      for (const [id] of event.restores ?? []) open.add(id)
    }
    const rows = []
    for (const [id, state] of Object.entries(states)) {
      const row = this.rowOf?.get(id)
      if (row === undefined || open.has(id)) continue
      if (String(this.state(row)) !== String(state)) rows.push(row)
      this.setState(row, state)
    }
    if (rows.length) this.tell({ rows })
  }

  decide(rows, verdict, label = null) {
    const batch = rows.length > 1 ? newId() : null
    const changes = []
    const events = []
    for (const row of rows) {
      const before = this.state(row)
      if (before[0] === verdict && before[1] === label) continue
      changes.push({ row, before, after: [verdict, label] })
      this.setState(row, [verdict, label])
      events.push({
        event_id: newId(),
        image_id: this.ids[row],
        verdict,
        new_label: label,
        reviewer: this.reviewer,
        batch_id: batch,
      })
    }
    if (!events.length) return
    this.revision += 1
    this.undoStack.push({ event: events[0].event_id, batch, changes })
    this.redoStack = []
    this.tell({ rows: changes.map(change => change.row) })
    this.queue.push(events)
  }

  // Both return the row to look at, or undefined where there is nothing to do.
  undo() {
    const stroke = this.undoStack.pop()
    return stroke && this.takeBack(stroke, stroke.event, "before", this.redoStack)
  }

  redo() {
    const stroke = this.redoStack.pop()
    return stroke && this.takeBack(stroke, stroke.undo, "after", this.undoStack)
  }

  takeBack(stroke, undoes, to, stack) {
    this.revision += 1
    const event = newId()
    const changes = to === "before" ? stroke.changes.toReversed() : stroke.changes
    for (const change of changes) this.setState(change.row, change[to])
    stack.push({ ...stroke, undo: event })
    const restores = changes.map(change => [this.ids[change.row], ...change[to]])
    this.tell({ rows: changes.map(change => change.row) })
    this.queue.push([{ event_id: event, undoes, reviewer: this.reviewer, restores }])
    return changes[0].row
  }

  // Rows that fit the filters, in the order asked for.
  select(filters) {
    const label = filters.class == null ? -1 : this.classes.indexOf(filters.class)
    const like = filters.like == null ? -1 : this.classes.indexOf(filters.like)
    const text = (filters.text ?? "").trim().toLowerCase()
    const { state = "all", low = null, high = null } = filters
    const fits = row => {
      if (filters.class != null && this.labels[row] !== label) return false
      if (filters.like != null && this.looksLike[row] !== like) return false
      if (low != null && this.values[row] < low) return false
      if (high != null && this.values[row] > high) return false
      if (state !== "all") {
        const verdict = this.state(row)[0]
        if (state === "undecided" ? verdict !== UNDECIDED : verdict !== state) return false
      }
      return !text || this.ids[row].toLowerCase().includes(text)
    }
    const rows = this.order.filter(fits)
    return filters.order === "best" ? rows.reverse() : rows
  }

  counts() {
    const counts = { remove: 0, keep: 0, unsure: 0, relabel: 0 }
    for (const [verdict] of this.states.values()) counts[verdict] += 1
    return counts
  }

  pictureUrl(side, row, size) {
    return `${this.base}/images/${side}/${row}?size=${size}&v=${this.version}`
  }

  // The tile's picture as an element of its own, decoded ahead of being shown.
  picture(row) {
    let image = this.pictureOf.get(row)
    if (!image) {
      image = new Image()
      image.decoding = "async"
      image.fetchPriority = "high" // those of the tiles may wait
      image.src = this.pictureUrl("train", row, 256)
      image.shown = image.decode().then(() => true, () => false)
      this.pictureOf.set(row, image)
    }
    return image
  }

  evidence(row) {
    return this.once(this.evidenceOf, "evidence", row)
  }

  // How the distance changes with the weight of an image.
  whatIf(row) {
    return this.once(this.whatIfOf, "sensitivity", row)
  }

  // What the server says of an image, asked once; `answer` is on the promise when it is there.
  once(known, route, row) {
    let found = known.get(row)
    if (!found) {
      found = fetchJson(`${this.base}/${route}/${row}`)
      found.then(
        answer => { found.answer = answer },
        () => known.delete(row), // asked for again next time
      )
      known.set(row, found)
    }
    return found
  }

  // For most methods the sign alone decides between hurting and helping.
  hurts(row) {
    return this.values[row] < this.neutral
  }

  // Where the value stands, in words.
  words(row) {
    const n = this.ids.length
    const hurts = this.hurts(row)
    const place = hurts ? this.rank[row] : n + 1 - this.rank[row]
    const share = [1, 5, 10, 25].find(percent => place <= Math.ceil((n * percent) / 100))
    if (!share) return { hurts, text: hurts ? "Hurts a little" : "Helps a little" }
    return { hurts, text: `${hurts ? "Hurts" : "Helps"}: among the ${hurts ? "worst" : "best"} ${share} %` }
  }
}
