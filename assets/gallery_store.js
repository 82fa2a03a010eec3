// What is known about one run: its ranking, its decisions, its evidence. No DOM in here.

const EVIDENCE_KEPT = 300
const WHAT_IF_KEPT = 100
const PICTURES_KEPT = 48
const SHOWN_FIRST = ["order", "value", "label", "looks_like", "source"]
const MOST_AT_ONCE = 100000 // images in one stroke; the server takes no more
const ASK_AGAIN_MS = 1000 // once decisions of our own have come to rest

const REVIEWER_KEY = "assay.reviewer"

// Who decides in this browser: the name of the login where there is one, else the one that was typed.
function reviewerName(login) {
  return login || kept.read("localStorage", REVIEWER_KEY) || "reviewer"
}

class ReviewStore {
  // login: the name that the server knows the reviewer by, where there is a login.
  constructor(run, base, login = null) {
    this.run = run
    this.base = base
    this.undoStack = []
    this.redoStack = []
    this.evidenceOf = new Recent(EVIDENCE_KEPT)
    this.whatIfOf = new Recent(WHAT_IF_KEPT)
    this.pictureOf = new Recent(PICTURES_KEPT)
    this.ids = new ImageIds(base, ids => this.tell({ ids }))
    this.columnOf = new Map()
    this.flagColumns = []
    this.listeners = new Set()
    // Counts our own decisions, and when they arrived: an answer asked for before is out of date.
    this.revision = 0
    this.reviewer = reviewerName(login)
    this.queue = new DecisionQueue(run, `${base}/decisions`, {
      changed: () => this.tell({ queue: true }),
      settled: answer => this.settled(answer),
    })
    this.ready = this.load()
    this.ready.catch(() => {}) // whoever waits for it shows it
  }

  async load() {
    const { reviewer, revision } = this
    const [ranking, decisions, ...columns] = await Promise.all([
      fetchJson(`${this.base}/ranking`),
      this.fetchDecisions(),
      ...SHOWN_FIRST.map(key => this.column(key)),
    ])
    const [order, values, labels, looksLike, source] = columns
    Object.assign(this, {
      order, values, labels, looksLike, source,
      n: ranking.n,
      classes: ranking.classes,
      neutral: ranking.neutral,
      hasPlan: ranking.plan,
      hasPictures: ranking.pictures,
      sourceNames: ranking.sources,
      columnInfo: new Map(ranking.columns.map(info => [info.key, info])),
      version: ranking.dataset.slice(0, 12),
      states: new States(ranking.n, ranking.classes),
    })
    this.rank = new Uint32Array(this.n)
    this.classRank = new Uint32Array(this.n)
    this.classSize = new Uint32Array(this.classes.length)
    for (let position = 0; position < this.n; position += 1) {
      const row = order[position]
      this.rank[row] = position + 1
      this.classRank[row] = ++this.classSize[labels[row]]
    }
    this.carried = decisions.carried
    for (const state of decisions.states) this.states.take(state, decisions.reviewers)
    if (reviewer === this.reviewer) this.takeStacks(decisions)
    for (const event of this.queue.pending) this.replay(event)
    this.queue.flush()
    if (revision !== this.revision) this.refresh() // some arrived while the images were read
    this.loadRest()
    return this
  }

  // What the first page can do without: labels suggested, and what other tools flag.
  async loadRest() {
    const flags = [...this.columnInfo.values()].filter(info => info.kind === "flag")
    const found = []
    const asked = flags.map(async ({ key, title }, i) => { found[i] = { title, values: await this.column(key) } })
    const suggested = Promise.all([this.column("suggested"), this.column("suggested_confidence")])
    await Promise.allSettled([suggested, ...asked])
    this.flagColumns = found.filter(Boolean)
    this.tell({ columns: true })
  }

  // Scores were imported or dropped since the run was opened.
  async reloadScores() {
    await this.ready
    const { columns } = await fetchJson(`${this.base}/ranking`)
    this.columnInfo = new Map(columns.map(info => [info.key, info]))
    for (const key of [...this.columnOf.keys()]) if (key.includes(":")) this.columnOf.delete(key)
    await this.loadRest()
  }

  // Titles of those other tools and runs that flag an image.
  flaggedBy(row) {
    return this.flagColumns.filter(column => column.values[row]).map(column => column.title)
  }

  // {label, confidence} where another label is likelier than the one given, else null.
  suggestion(row) {
    const label = this.columnOf.get("suggested")?.answer?.[row] ?? NO_CLASS
    if (label === NO_CLASS) return null
    return { label, confidence: this.columnOf.get("suggested_confidence")?.answer?.[row] ?? NaN }
  }

  // One value a row as a typed array, asked for once; `answer` is on the promise when it is there.
  column(key) {
    let found = this.columnOf.get(key)
    if (!found) {
      found = fetchColumn(this.base, key)
      found.then(answer => { found.answer = answer }, () => this.columnOf.delete(key))
      this.columnOf.set(key, found)
    }
    return found
  }

  // -- ids ---------------------------------------------------------------------------------------

  // The id of an image if it is known already; it is asked for otherwise, and `tell` says when.
  idOf(row) {
    return this.ids.of(row)
  }

  async rowOfId(id) {
    const answer = await fetchJson(`${this.base}/row?id=${encodeURIComponent(id)}`).catch(() => null)
    return answer?.row
  }

  // -- decisions ---------------------------------------------------------------------------------

  fetchDecisions() {
    return fetchJson(`${this.base}/decisions?reviewer=${encodeURIComponent(this.reviewer)}`)
  }

  // Take over what others, or this reviewer in another tab, decided since.
  async refresh() {
    const { revision, reviewer } = this
    const answer = await this.fetchDecisions().catch(() => null)
    if (!this.states || reviewer !== this.reviewer) return // who goes on asks anew
    // What was decided here meanwhile is not in the answer.
    this.stale = !answer || revision !== this.revision || this.queue.pending.length > 0
    if (this.stale) return answer && this.askAgain()
    const told = new Set(answer.states.map(([row]) => row))
    const gone = []
    for (let row = 0; row < this.n; row += 1) {
      const known = this.states.verdicts[row] || this.states.flags[row]
      if (known && !told.has(row)) gone.push([row, UNDECIDED, null, 0, 0, 0, []])
    }
    this.carried = answer.carried
    this.takeStacks(answer) // this reviewer may have undone some in another tab
    this.reconcile([...gone, ...answer.states], answer.reviewers)
    this.tell({ rows: [] })
  }

  // Undo is everybody's own: a new name starts with what that name decided.
  async setReviewer(name) {
    this.reviewer = name
    kept.write("localStorage", REVIEWER_KEY, name)
    this.undoStack = []
    this.redoStack = []
    this.tell({ rows: [] })
    await this.ready.catch(() => {})
    await this.refresh()
  }

  // What this reviewer can undo, and redo: a stroke undone is known by what took it back.
  takeStacks({ undoable, redoable }) {
    this.undoStack = this.strokes(undoable)
    this.redoStack = this.strokes(redoable).map(({ event, rows, before, after }) =>
      ({ event: null, undo: event, rows, before: after, after: before }))
  }

  // Strokes as the server tells them, as what `decide` puts on the stack.
  strokes(told) {
    return told.map(({ event_id: event, rows: changes }) => {
      const rows = Uint32Array.from(changes, change => change[0])
      const codes = at => changes.map(change => this.states.code(change[at], change[at + 1]))
      const packed = pairs => ({
        verdicts: Uint8Array.from(pairs, pair => pair[0]),
        labels: Uint16Array.from(pairs, pair => pair[1]),
      })
      return { event, rows, after: packed(codes(1)), before: packed(codes(3)) }
    })
  }

  // Put an event that the server has not confirmed on top of what it told us.
  replay(event) {
    if (event.undoes) {
      const { rows, ...to } = event.restores
      this.states.restore(rows, this.states.unpacked(to))
      this.undoStack = this.undoStack.filter(stroke => stroke.event !== event.undoes)
    } else if (!this.undoStack.some(stroke => stroke.event === event.event_id)) {
      if (event.verdict === "note") this.putNote(event)
      else this.put(event)
    }
  }

  // Decide here, ahead of the server's answer.
  put({ event_id: event, rows, verdict, new_label: label, reviewer }) {
    const before = this.states.snapshot(rows)
    const [code, labelCode] = this.states.code(verdict, label)
    for (const row of rows) this.states.put(row, code, labelCode)
    const who = this.states.reviewers.of(reviewer)
    for (const row of rows) this.states.latest[row] = who
    this.stack(reviewer, { event, rows, before, after: this.states.snapshot(rows) })
  }

  // Only one's own can be undone; what another left unsaved in this browser is theirs.
  stack(reviewer, stroke) {
    if (reviewer === this.reviewer) this.undoStack.push(stroke)
  }

  listen(listener) {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  tell(change) {
    for (const listener of this.listeners) listener(change)
  }

  state(row) {
    return this.states.get(row)
  }

  disputed(row) {
    return (this.states.flags[row] & DISPUTED) !== 0
  }

  noted(row) {
    return (this.states.flags[row] & NOTED) !== 0
  }

  settled(answer) {
    this.revision += 1
    this.reconcile(answer.states ?? [], answer.reviewers ?? [])
    if (answer.rejected?.length) this.stale = true // what was shown ahead of the answer is not so
    if (this.stale) this.askAgain()
  }

  // Soon, unless a decision is on its way: then once it has arrived.
  askAgain() {
    clearTimeout(this.asking)
    if (!this.queue.pending.length) this.asking = setTimeout(() => this.refresh(), ASK_AGAIN_MS)
  }

  // The server's word on images, except where a decision of ours is still on its way.
  reconcile(states, reviewers) {
    if (!this.states) return
    const open = new Set()
    for (const event of this.queue.pending) {
      for (const row of event.rows ?? event.restores?.rows ?? []) open.add(row)
    }
    const rows = []
    for (const state of states) {
      if (!open.has(state[0]) && this.states.take(state, reviewers)) rows.push(state[0])
    }
    if (rows.length) this.tell({ rows })
  }

  // One stroke over `rows`: recorded, and later undone, together. Images that we decided just so
  // already are left out. Returns how many images it is about.
  decide(rows, verdict, label = null) {
    const { verdicts, newLabels, latest, reviewers } = this.states
    const [code, labelCode] = this.states.code(verdict, label)
    const me = reviewers.of(this.reviewer)
    const fresh = Array.from(rows).filter(row =>
      verdicts[row] !== code || newLabels[row] !== labelCode || latest[row] !== me)
    if (!fresh.length || fresh.length > MOST_AT_ONCE) return 0
    this.revision += 1
    const event = { event_id: newId(), rows: fresh, verdict, new_label: label, reviewer: this.reviewer }
    this.put(event)
    this.redoStack = []
    this.tell({ rows: fresh })
    this.queue.push([event])
    return fresh.length
  }

  // The note on an image as it stands, "" where there is none.
  async noteOf(row) {
    return standingNote(await fetchJson(`${this.base}/history/${row}`))
  }

  // Write a note on images; what is decided about them stays. "" erases it.
  annotate(rows, note) {
    this.revision += 1
    const event = { event_id: newId(), rows: Array.from(rows), verdict: "note", note, reviewer: this.reviewer }
    this.putNote(event)
    this.redoStack = []
    this.tell({ rows: event.rows })
    this.queue.push([event])
  }

  putNote({ event_id: event, rows, note, reviewer }) {
    const stands = this.states.snapshot(rows)
    this.stack(reviewer, { event, rows, before: stands, after: stands })
    for (const row of rows) this.states.setNoted(row, note !== "")
  }

  // Both return the rows concerned, or undefined where there is nothing to do.
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
    this.states.restore(stroke.rows, stroke[to])
    stack.push({ ...stroke, undo: event, event: stroke.event ?? event })
    const restores = { rows: Array.from(stroke.rows), ...this.states.packed(stroke[to]) }
    this.tell({ rows: stroke.rows })
    this.queue.push([{ event_id: event, undoes, reviewer: this.reviewer, restores }])
    return stroke.rows
  }

  // A promise of the rows that fit the filters, in the order asked for.
  select(filters) {
    return selectRows(this, filters)
  }

  get counts() {
    return this.states.counts
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
      image.shown = image.decode().then(() => true, () => {
        this.pictureOf.delete(row) // asked for again next time
        return false
      })
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
    const { n } = this
    const hurts = this.hurts(row)
    const place = hurts ? this.rank[row] : n + 1 - this.rank[row]
    const share = [1, 5, 10, 25].find(percent => place <= Math.ceil((n * percent) / 100))
    if (!share) return { hurts, text: hurts ? "Hurts a little" : "Helps a little" }
    return { hurts, text: `${hurts ? "Hurts" : "Helps"}: among the ${hurts ? "worst" : "best"} ${share} %` }
  }
}
