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
