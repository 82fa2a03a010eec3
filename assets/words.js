// Numbers and counts as people read them. No DOM in here.

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

const manyImages = n => (n === 1 ? "1 image" : `${count(n)} images`)
const wholePercent = share => `${Math.round(100 * share)} %`
// "86.0 %": three digits, as the pages say it.
const percentText = share => `${(100 * share).toFixed(1)} %`

// A number as people type it: "12,50", "1,250.5", "10.000 images", "€ 200", "10k". NaN where it is none.
function numberTyped(text, whole = false) {
  const parts = /^[^\d-]*(-?\d[\d.,\s'’]*)(?:([kM])(?![a-z]))?\D*$/i.exec(text.trim())
  if (!parts) return Number.NaN
  const found = parts[1].replace(/[\s'’]/g, "")
  const times = { k: 1e3, m: 1e6 }[parts[2]?.toLowerCase()] ?? 1
  const marks_ = found.match(/[.,]/g) ?? []
  const last = marks_.at(-1)
  const mixed = new Set(marks_).size > 1
  const grouped = marks_.length > 1 || (/^-?[1-9]\d{0,2}[.,]\d{3}$/.test(found) && times === 1 && (whole || last === ","))
  const number = marks_.length && (mixed || !grouped)
    ? Number(`${found.slice(0, found.lastIndexOf(last)).replace(/[.,]/g, "")}.${found.slice(found.lastIndexOf(last) + 1)}`)
    : Number(found.replace(/[.,]/g, ""))
  return whole && !Number.isInteger(number * times) ? Number.NaN : number * times
}
