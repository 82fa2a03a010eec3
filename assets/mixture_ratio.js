// Mixing ratios: shares of the sources with sum 1. No DOM in here.

// Move one share; the others that are not locked make room in proportion, as `core.projection.rescale`.
function rescaled(p, index, value, locked) {
  const free = p.map((_, s) => s !== index && !locked[s])
  if (!free.some(Boolean)) return p
  const total = p.reduce((sum, share, s) => sum + (free[s] ? share : 0), 0)
  const room = p[index] + total
  const moved = Math.min(Math.max(value, 0), room)
  const many = free.filter(Boolean).length
  return p.map((share, s) => {
    if (s === index) return moved
    if (!free[s]) return share
    return (room - moved) * (total > 0 ? share / total : 1 / many)
  })
}

function normalized(p) {
  const kept = p.map(share => Math.max(share, 0))
  const total = kept.reduce((sum, share) => sum + share, 0)
  return total > 0 ? kept.map(share => share / total) : kept.map(() => 1 / kept.length)
}

// The same share of every source; of what is locked the others leave what it has.
function evened(p, locked) {
  const free = locked.filter(shut => !shut).length
  const left = 1 - p.reduce((sum, share, s) => sum + (locked[s] ? share : 0), 0)
  return free ? p.map((share, s) => (locked[s] ? share : Math.max(left, 0) / free)) : p
}

// The mix that was meant, as far as what is locked allows.
function besideLocked(p, meant, locked) {
  if (!locked.some(Boolean)) return meant
  const total = meant.reduce((sum, share, s) => sum + (locked[s] ? 0 : share), 0)
  if (!(total > 0)) return evened(p, locked)
  const left = 1 - p.reduce((sum, share, s) => sum + (locked[s] ? share : 0), 0)
  return p.map((share, s) => (locked[s] ? share : (Math.max(left, 0) * meant[s]) / total))
}

const evenMix = m => Array.from({ length: m }, () => 1 / m)

const blended = (corners, weights) =>
  corners[0].map((_, s) => corners.reduce((sum, corner, k) => sum + weights[k] * corner[s], 0))

const distanceBetween = (p, q) => p.reduce((sum, share, s) => sum + Math.abs(share - q[s]), 0) / 2

// "82.6 / 17.4 / 0", in percent.
const shareText = share => String(Number((100 * share).toFixed(1)))
const mixText = p => p.map(shareText).join(" / ")

// Of many sources those that give something are named: "Clean 94 %, Blurred 6 %".
function mixWords(p, names) {
  if (p.length <= 3) return mixText(p)
  const given = p.map((share, s) => [share, s]).filter(([share]) => share >= 5e-4).sort(([a], [b]) => b - a)
  const some = given.length > 4 ? given.slice(0, 3) : given
  const rest = given.slice(some.length).reduce((sum, [share]) => sum + share, 0)
  const words = some.map(([share, s]) => `${names[s]} ${shareText(share)} %`)
  return [...words, ...(rest ? [`others ${shareText(rest)} %`] : [])].join(", ")
}

// In the address: percent with decimals enough that the counts of a large order stay what they were.
const written = p => p.map(share => String(Number((100 * share).toFixed(8)))).join(",")

function read(text, m) {
  const p = (text ?? "").split(",").map(part => Number(part) / 100)
  const usable = p.length === m && p.every(share => Number.isFinite(share) && share >= 0)
  return usable && Math.abs(p.reduce((sum, share) => sum + share, 0) - 1) < 0.01 ? normalized(p) : null
}

// The largest size at which no source runs out, and the source that does then.
function lastSize(p, offers) {
  let [size, source] = [Infinity, -1]
  offers.forEach(({ capacity }, s) => {
    if (capacity == null || p[s] < 1e-6) return
    const most = capacity / p[s]
    if (most < size) [size, source] = [most, s]
  })
  return { size, source }
}

// Images of each source, sum n: the whole parts, and what is left to the largest remainders, as
// `core.projection.counts_of`.
function countsOf(p, n) {
  const exact = p.map(share => share * n)
  const counts = exact.map(one => Math.floor(one + 1e-9 * n))
  const order = exact.map((one, s) => [counts[s] - one, s]).sort(([a, s], [b, t]) => a - b || s - t)
  const left = n - counts.reduce((sum, one) => sum + one, 0)
  for (let k = 0; k < left; k += 1) counts[order[k % order.length][1]] += 1
  for (let k = 0; k < -left; k += 1) counts[order.at(-1 - k)[1]] -= 1
  return counts
}
