// What the colors of the points say: for each way of coloring, codes, a palette and a legend.
//
// Design: a scale from harmful over neutral to helpful for values, at most eight hues for classes. Of
// more classes eight have a hue at a time, the others are neutral: position and name tell them apart.

const HUES = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7"] // and ink
const SLOTS = HUES.length + 1
const NEUTRAL = SLOTS
const PLAIN = 255 // the code of validation images where the coloring says nothing of them
const RAMP = 254 // the last code of the scale of values
const EXTREME = 0.98 // share of the values within the scale
const LEAST_REACH = 0.1 // of a side, as a share of the other
const DECISION_COLORS = { keep: "#009E73", remove: "#D55E00", relabel: "#CC79A7", unsure: "#E69F00" }

const MODES = [
  { key: "value", title: "Value" },
  { key: "label", title: "Class" },
  { key: "looks_like", title: "Looks like" },
  { key: "suggested", title: "Suggested class" },
  { key: "decision", title: "Decision" },
  { key: "source", title: "Source" },
]

function rgb(color) {
  if (color.startsWith("#")) return [1, 3, 5].map(k => parseInt(color.slice(k, k + 2), 16))
  return color.match(/[\d.]+/g).slice(0, 3).map(Number)
}

const mix = (a, b, share) => a.map((part, k) => Math.round(part + (b[k] - part) * share))
const css = color => `rgb(${color.join(" ")})`

class Palette {
  constructor(ink, ground) {
    this.ink = ink
    this.ground = ground
    this.neutral = mix(ground, ink, 0.3)
    this.bytes = new Uint8Array(4 * 256)
    this.put(PLAIN, mix(ground, ink, 0.72), 0.6)
  }

  put(code, color, alpha = 0.9) {
    this.bytes.set([...color, Math.round(255 * alpha)], 4 * code)
  }
}

// How far the values reach below and above the neutral one, less a few extremes. Each side has a scale
// of its own, so that the worst images have the full color however far the best ones reach.
function reaches({ values, neutral, n, order }) {
  let harmful = 0
  while (harmful < n && values[order[harmful]] < neutral) harmful += 1
  const past = (1 - EXTREME) / 2
  const below = harmful ? neutral - values[order[Math.floor(past * harmful)]] : 0
  const above = harmful < n ? values[order[n - 1 - Math.floor(past * (n - harmful))]] - neutral : 0
  // A side of next to nothing is not blown up.
  const least = LEAST_REACH * Math.max(below, above) || 1
  return { below: Math.max(below, least), above: Math.max(above, least) }
}

// Codes of all points, the palette, and the legend: entries of name and color, and which one a
// training image belongs to.
class Coloring {
  constructor(store, validation, size) {
    this.store = store
    this.validation = validation // labels of the validation images
    this.codes = new Uint8Array(size)
    this.litOf = {} // of classes and of sources: group -> slot of its hue, the longest lit first
  }

  async use(mode, ink, ground) {
    this.mode = mode
    this.limited = false
    const palette = new Palette(ink, ground)
    this.column = mode === "decision" || mode === "value" ? null : await this.store.column(mode)
    const made = {
      value: () => this.byValue(palette),
      decision: () => this.byDecision(palette),
      source: () => this.byGroup(palette, this.store.sourceNames, false),
    }[mode] ?? (() => this.byGroup(palette, this.store.classes, true))
    this.entries = made()
    this.palette = palette
    return this
  }

  byValue(palette) {
    const { values, neutral, n } = this.store
    Object.assign(this, reaches(this.store))
    const ends = [rgb("#D55E00"), rgb("#0072B2")]
    for (let code = 0; code <= RAMP; code += 1) {
      const t = (2 * code) / RAMP - 1
      const share = Math.abs(t) ** 0.8
      palette.put(code, mix(palette.neutral, ends[t < 0 ? 0 : 1], share), 0.55 + 0.4 * share)
    }
    for (let row = 0; row < n; row += 1) {
      const from = values[row] - neutral
      const t = Math.max(-1, Math.min(1, from / (from < 0 ? this.below : this.above)))
      this.codes[row] = Math.round(((t + 1) / 2) * RAMP)
    }
    this.codes.fill(PLAIN, n)
    this.entryOf = row => (values[row] < neutral ? 0 : 1)
    return [{ name: "Hurts", color: css(ends[0]) }, { name: "Helps", color: css(ends[1]) }]
  }

  byDecision(palette) {
    const { verdicts } = this.store.states
    palette.put(0, palette.neutral, 0.6)
    for (const [name, color] of Object.entries(DECISION_COLORS)) palette.put(CODES[name], rgb(color))
    this.codes.set(verdicts)
    this.codes.fill(PLAIN, this.store.n)
    this.entryOf = row => verdicts[row]
    return VERDICT_NAMES.map(name => ({
      name: VERDICTS[name]?.done ?? "Undecided",
      color: DECISION_COLORS[name] ?? css(palette.neutral),
    }))
  }

  byGroup(palette, names, classes) {
    const { column } = this
    const { n } = this.store
    const lit = classes ? "classes" : "sources"
    this.hueOf = this.litOf[lit] ??= this.worst(names.length, classes ? this.store.labels : column)
    this.limited = names.length > SLOTS
    const hues = [...HUES.map(rgb), palette.ink]
    hues.forEach((hue, slot) => palette.put(slot, hue, 0.8))
    palette.put(NEUTRAL, palette.neutral, 0.6)
    const slotOf = group => this.hueOf.get(group) ?? NEUTRAL
    for (let row = 0; row < n; row += 1) this.codes[row] = slotOf(column[row])
    if (!classes) this.codes.fill(PLAIN, n)
    else this.validation.forEach((label, row) => { this.codes[n + row] = slotOf(label) })
    const entries = names.map((name, group) => ({
      name,
      group,
      color: css(this.hueOf.has(group) ? hues[this.hueOf.get(group)] : palette.neutral),
    }))
    this.entryOf = row => column[row]
    if (this.mode === "suggested") {
      this.entryOf = row => (column[row] === NO_CLASS ? names.length : column[row])
      entries.push({ name: "No other suggested", color: css(palette.neutral) })
    }
    return entries
  }

  // How many of `rows`, or of all training images, belong to each entry.
  tally(rows = null) {
    const counts = new Uint32Array(this.entries.length)
    const { entryOf } = this
    if (rows) for (const row of rows) counts[entryOf(row)] += 1
    else for (let row = 0; row < this.store.n; row += 1) counts[entryOf(row)] += 1
    return counts
  }

  // Which groups have a hue at first: all, or those with the most harmful images.
  worst(groups, column) {
    const harmful = new Uint32Array(groups)
    for (let row = 0; row < this.store.n; row += 1) if (this.store.hurts(row)) harmful[column[row]] += 1
    const found = [...harmful.keys()].sort((a, b) => harmful[b] - harmful[a]).slice(0, SLOTS)
    return new Map(found.sort((a, b) => a - b).map((group, slot) => [group, slot]))
  }

  // Give a group a hue, that of the group which has had one for longest without being asked for.
  light(group) {
    const own = this.hueOf.get(group)
    const [oldest, slot] = own === undefined ? this.hueOf.entries().next().value : [group, own]
    this.hueOf.delete(oldest)
    this.hueOf.set(group, slot)
    return own === undefined
  }
}
