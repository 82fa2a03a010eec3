// The ranking as arrays of numbers: how it comes, how it is ordered, what is picked. No DOM here.

const NO_CLASS = 65535
const COLUMN_TYPES = {
  order: Uint32Array, value: Float32Array, label: Uint16Array, looks_like: Uint16Array,
  source: Uint16Array, suggested: Uint16Array, suggested_confidence: Float32Array,
}

async function answered(url) {
  const response = await fetch(url).catch(() => {
    throw new Error("The server does not answer.") // browsers each say it in other words
  })
  if (!response.ok) throw new Error(await refusal(response))
  return response
}

async function fetchJson(url) {
  return (await answered(url)).json()
}

async function refusal(response) {
  const answer = await response.json().catch(() => null)
  return answer?.error ?? `The server answered ${response.status}.`
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

async function fetchRows(url, type = Uint32Array) {
  return new type(await (await answered(url)).arrayBuffer())
}

function fetchColumn(base, key) {
  const type = COLUMN_TYPES[key] ?? (key.startsWith("flag:") ? Uint8Array : Float32Array)
  return fetchRows(`${base}/columns/${key.split("/").map(encodeURIComponent).join("/")}`, type)
}

// Whole numbers that rise with the float; NaN comes last.
function sortKeys(values) {
  const floats = new Float32Array(values) // a copy
  const bits = new Uint32Array(floats.buffer)
  for (let i = 0; i < bits.length; i += 1) {
    if (floats[i] !== floats[i]) bits[i] = 0xffffffff
    else bits[i] = bits[i] & 0x80000000 ? ~bits[i] : bits[i] | 0x80000000
  }
  return bits
}

// `order` sorted by `keys[row]`, stable, in two passes of 16 bits: a million in some 50 ms.
function sortedBy(order, keys) {
  let from = order
  for (const shift of [0, 16]) {
    const starts = new Uint32Array(65537)
    for (const row of from) starts[((keys[row] >>> shift) & 0xffff) + 1] += 1
    for (let i = 0; i < 65536; i += 1) starts[i + 1] += starts[i]
    const to = new Uint32Array(from.length)
    for (const row of from) to[starts[(keys[row] >>> shift) & 0xffff]++] = row
    from = to
  }
  return from
}

// The rows of `order` that pass every test, in that order.
function picked(order, tests) {
  if (!tests.length) return order
  const found = new Uint32Array(order.length)
  let size = 0
  for (let i = 0; i < order.length; i += 1) {
    const row = order[i]
    let fits = true
    for (let t = 0; fits && t < tests.length; t += 1) fits = tests[t](row)
    if (fits) found[size++] = row
  }
  return found.slice(0, size)
}

function masked(rows, n) {
  const mask = new Uint8Array(n)
  for (const row of rows) mask[row] = 1
  return mask
}

// Which rows fit the filters, in the order asked for: some of it is asked of the server first.
async function selectRows(store, filters) {
  const { n } = store
  const { state = "all", low = null, high = null, order = "worst" } = filters
  const text = (filters.text ?? "").trim()
  const asked = text ? fetchRows(`${store.base}/find?text=${encodeURIComponent(text)}`) : null
  const chosen = filters.selection // drawn on the map
    ? fetchRows(`${store.base}/selections/${encodeURIComponent(filters.selection)}`) : null
  const sorted = await orderedRows(store, order)
  const tests = []
  const classTest = async (name, key) => {
    if (name == null) return
    const [column, wanted] = [await store.column(key), store.classes.indexOf(name)]
    tests.push(row => column[row] === wanted)
  }
  if (asked) {
    const mask = masked(await asked, n)
    tests.push(row => mask[row] === 1)
  }
  if (chosen) {
    const mask = masked(await chosen, n)
    tests.push(row => mask[row] === 1)
  }
  await classTest(filters.class, "label")
  await classTest(filters.like, "looks_like")
  await classTest(filters.suggested, "suggested")
  if (filters.source != null) {
    const [column, wanted] = [await store.column("source"), store.sourceNames.indexOf(filters.source)]
    tests.push(row => column[row] === wanted)
  }
  if (low != null) tests.push(row => store.values[row] >= low)
  if (high != null) tests.push(row => store.values[row] <= high)
  if (filters.flagged) tests.push(await flagTest(store, filters.flagged))
  if (filters.reviewer) tests.push(row => store.states.decidedBy(row, filters.reviewer))
  const stateTest = STATE_TESTS(store)[state]
  if (stateTest) tests.push(stateTest)
  return picked(sorted, tests)
}

// Those filters that the page shows behind a button, in words.
function filterWords(store, filters) {
  const { flagged, suggested, reviewer, source, low, high, selection, order } = filters
  const flags = { like: "looking like another class", suggested: "with another label suggested" }
  const some = { ...filters, order: null, state: filters.state === "all" ? null : filters.state }
  const narrowed = Object.values(some).some(chosen => chosen != null && chosen !== "")
  return [
    order === "audit" && (narrowed ? "audit sample, narrowed by filters: no longer random" : "audit sample"),
    selection && "selected on the map",
    flagged && (flags[flagged] ?? `flagged by ${store.columnInfo.get(flagged)?.title}`),
    suggested && `suggested ${suggested}`,
    reviewer && `decided by ${reviewer}`,
    source && `from ${source}`,
    low != null && `value at least ${amount(low)}`,
    high != null && `value at most ${amount(high)}`,
  ].filter(Boolean)
}

const STATE_TESTS = ({ states: { verdicts, flags } }) => ({
  undecided: row => verdicts[row] === 0,
  decided: row => verdicts[row] !== 0,
  keep: row => verdicts[row] === CODES.keep,
  remove: row => verdicts[row] === CODES.remove,
  relabel: row => verdicts[row] === CODES.relabel,
  unsure: row => verdicts[row] === CODES.unsure,
  disputed: row => (flags[row] & DISPUTED) !== 0,
  noted: row => (flags[row] & NOTED) !== 0,
})

async function flagTest(store, flagged) {
  if (flagged === "like" || flagged === "suggested") {
    const column = await store.column(flagged === "like" ? "looks_like" : flagged)
    return row => column[row] !== store.labels[row] && column[row] !== NO_CLASS
  }
  const column = await store.column(flagged)
  return row => column[row] === 1
}

async function orderedRows(store, order) {
  if (order === "worst") return store.order
  if (order === "best") return store.order.toReversed()
  if (order === "class") return sortedBy(store.order, store.labels)
  if (order === "audit") return fetchRows(`${store.base}/audit`)
  const known = store.columnInfo.get(order)
  if (!known) return store.order
  const column = await store.column(order)
  const down = known.better === "lower" // then the highest are the worst
  return sortedBy(store.order, sortKeys(down ? column.map(x => -x) : column))
}
