// What charts share: scales, round marks on an axis, colors of quantities and of sources.

const linear = (from, to, start, end) => x => start + ((x - from) / (to - from)) * (end - start)

function logarithmic(from, to, start, end) {
  const place = linear(Math.log(from), Math.log(to), start, end)
  return x => place(Math.log(x))
}

// Round marks that cover the values, at most five.
function marks(low, high) {
  const rough = (high - low) / 4
  const unit = 10 ** Math.floor(Math.log10(rough))
  const step = unit * [1, 2, 5, 10].find(factor => factor * unit >= rough)
  const made = []
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) made.push(k * step)
  return made
}

// 1, 2 and 5 times the powers of ten within the bounds.
function roundSizes(low, high) {
  const found = []
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10) {
    for (const step of [1, 2, 5]) if (step * power >= low && step * power <= high) found.push(step * power)
  }
  return found
}

const pathOf = points => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("")

// ask(x, y), in px of the plane, at a press and while the pointer is held.
function whileHeld(plane, ask) {
  const tell = event => {
    const { left, top } = plane.getBoundingClientRect()
    ask(event.clientX - left, event.clientY - top)
  }
  plane.onpointerdown = event => {
    if (event.button !== 0) return
    plane.setPointerCapture(event.pointerId)
    tell(event)
  }
  plane.onpointermove = event => plane.hasPointerCapture(event.pointerId) && tell(event)
}

// tell(x, y) as the pointer moves over the plane without being held; gone() when it leaves.
function whileOver(plane, tell, gone) {
  plane.addEventListener("pointermove", event => {
    if (event.buttons) return
    const { left, top } = plane.getBoundingClientRect()
    tell(event.clientX - left, event.clientY - top)
  })
  plane.addEventListener("pointerleave", gone)
}

// Cividis: light is more.
const CIVIDIS = ["#00224E", "#123570", "#3B496C", "#575D6D", "#707173", "#8A8678", "#A59C74", "#C3B369", "#E1CC55", "#FEE838"]
  .map(color => [1, 3, 5].map(at => Number.parseInt(color.slice(at, at + 2), 16)))

// The color of a share of the scale, 0 to 1.
function cividis(share) {
  const at = Math.min(Math.max(share, 0), 1) * (CIVIDIS.length - 1)
  const i = Math.min(Math.floor(at), CIVIDIS.length - 2)
  const mixed = CIVIDIS[i].map((one, k) => Math.round(one + (at - i) * (CIVIDIS[i + 1][k] - one)))
  return `rgb(${mixed.join(" ")})`
}

// Okabe-Ito as far as it can be told apart on both grounds; beyond, names and position must do.
const HUES = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8A8A86"]
const hueOf = source => HUES[Math.min(source, HUES.length - 1)]

// Accuracies as shares of a color scale. What matters is near the top: a step is a factor in what is
// lost against the best, so that half a point there shows beside fifty points elsewhere.
const LOSS_UNIT = 0.003

function lossScale(low, high) {
  const whole = Math.log1p((high - low) / LOSS_UNIT)
  return accuracy => (whole > 0 ? 1 - Math.log1p(Math.max(high - accuracy, 0) / LOSS_UNIT) / whole : 1)
}

// The scale's legend: what the best reaches, and below it points that are lost.
function lossLegend(meaning) {
  const ticks = element("div", { class: "ticks small quiet" })
  const root = element("div", { class: "legend" }, element("p", { class: "small quiet" }, meaning), element("div", { class: "ramp" }), ticks)
  const show = (low, high) => {
    const share = lossScale(low, high)
    const losses = [50, 20, 10, 5, 2, 1].filter(points => points / 100 < high - low)
    const shown = losses.filter(points => share(high - points / 100) < 0.68)
    const tick = (at, text) => element("span", { style: `left:${(100 * Math.max(at, 0.04)).toFixed(1)}%` }, text)
    ticks.replaceChildren(...shown.map(points => tick(share(high - points / 100), `−${points}`)),
      element("span", { class: "top" }, `best ${percentText(clipped(high))}`))
  }
  return { root, show }
}
