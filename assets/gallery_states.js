// What is decided about each image of a run: arrays of numbers over its rows. No DOM in here.

const UNDECIDED = "clear"
const VERDICT_NAMES = [UNDECIDED, "keep", "remove", "relabel", "unsure"]
const CODES = Object.fromEntries(VERDICT_NAMES.map((name, code) => [name, code]))
const DISPUTED = 1
const NOTED = 2
const NOBODY = 65535

// A list that grows, and where each of its names stands.
class Names {
  constructor(names = []) {
    this.list = []
    this.positions = new Map()
    for (const name of names) this.of(name)
  }

  of(name) {
    let position = this.positions.get(name)
    if (position === undefined) {
      position = this.list.push(name) - 1
      this.positions.set(name, position)
    }
    return position
  }
}

// The latest note that nobody took back and its writer did not erase.
function standingNote(history) {
  const notes = new Map() // by reviewer, the latest last
  for (const { reviewer, verdict, note, undone } of history) {
    if (undone || !(note || verdict === "note")) continue
    notes.delete(reviewer)
    notes.set(reviewer, note)
  }
  return [...notes.values()].findLast(Boolean) ?? ""
}

class States {
  constructor(n, classes) {
    this.verdicts = new Uint8Array(n)
    this.newLabels = new Uint16Array(n).fill(NO_CLASS)
    this.flags = new Uint8Array(n)
    this.latest = new Uint16Array(n).fill(NOBODY) // whose decision stands
    this.opinions = new Map() // row -> positions of the reviewers, where there are several
    this.labels = new Names(classes) // a decision may name a class that only another run has
    this.reviewers = new Names()
    this.counts = { remove: 0, keep: 0, relabel: 0, unsure: 0 }
  }

  // [verdict, new label or null]
  get(row) {
    const label = this.newLabels[row]
    return [VERDICT_NAMES[this.verdicts[row]], label === NO_CLASS ? null : this.labels.list[label]]
  }

  code(verdict, label) {
    return [CODES[verdict], label == null ? NO_CLASS : this.labels.of(label)]
  }

  // Set verdict and new label by their codes; returns whether that changed anything.
  put(row, verdict, label) {
    const before = this.verdicts[row]
    if (before === verdict && this.newLabels[row] === label) return false
    if (before) this.counts[VERDICT_NAMES[before]] -= 1
    if (verdict) this.counts[VERDICT_NAMES[verdict]] += 1
    this.verdicts[row] = verdict
    this.newLabels[row] = label
    return true
  }

  // Take over one state as the server tells it, its reviewers named by `names`.
  take([row, verdict, label, who, disputed, noted, opinions], names) {
    const flags = (disputed ? DISPUTED : 0) | (noted ? NOTED : 0)
    const latest = opinions.length ? this.reviewers.of(names[who]) : NOBODY
    let changed = this.put(row, ...this.code(verdict, label))
    changed = changed || this.flags[row] !== flags || this.latest[row] !== latest
    this.flags[row] = flags
    this.latest[row] = latest
    if (opinions.length > 1) this.opinions.set(row, opinions.map(i => this.reviewers.of(names[i])))
    else this.opinions.delete(row)
    return changed
  }

  setNoted(row, noted) {
    this.flags[row] = noted ? this.flags[row] | NOTED : this.flags[row] & ~NOTED
  }

  // The names of those whose opinion on an image stands.
  reviewersOf(row) {
    const several = this.opinions.get(row)
    if (several) return several.map(position => this.reviewers.list[position])
    return this.latest[row] === NOBODY ? [] : [this.reviewers.list[this.latest[row]]]
  }

  decidedBy(row, name) {
    const position = this.reviewers.positions.get(name)
    if (position === undefined) return false
    return this.latest[row] === position || (this.opinions.get(row)?.includes(position) ?? false)
  }

  // Verdicts and new labels of `rows`, and whose they are, to be put back later.
  snapshot(rows) {
    const verdicts = new Uint8Array(rows.length)
    const labels = new Uint16Array(rows.length)
    const latest = new Uint16Array(rows.length)
    for (let i = 0; i < rows.length; i += 1) {
      verdicts[i] = this.verdicts[rows[i]]
      labels[i] = this.newLabels[rows[i]]
      latest[i] = this.latest[rows[i]]
    }
    return { verdicts, labels, latest }
  }

  // Where a snapshot does not tell whose a verdict is, it is nobody's until the server says.
  restore(rows, { verdicts, labels, latest }) {
    for (let i = 0; i < rows.length; i += 1) {
      this.put(rows[i], verdicts[i], labels[i])
      this.latest[rows[i]] = latest ? latest[i] : NOBODY
    }
  }

  // A snapshot as it survives in a browser's storage, labels by name; and back.
  packed({ verdicts, labels }) {
    const names = Array.from(labels, label => (label === NO_CLASS ? null : this.labels.list[label]))
    return { verdicts: Array.from(verdicts), labels: names.some(Boolean) ? names : null }
  }

  unpacked({ verdicts, labels }) {
    const codes = labels?.map(name => (name == null ? NO_CLASS : this.labels.of(name)))
    return {
      verdicts: Uint8Array.from(verdicts),
      labels: codes ? Uint16Array.from(codes) : new Uint16Array(verdicts.length).fill(NO_CLASS),
    }
  }
}
