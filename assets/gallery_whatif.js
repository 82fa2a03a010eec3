// What if the selected image is removed, or counts double? Asked on demand, answered by a chart.

const CHART = { width: 410, height: 158, left: 58, right: 10, top: 10, bottom: 32 }
const WITHIN = "5 %"

// A change as a share of the OT distance, signed, three digits.
function change(x) {
  const percent = 100 * x
  if (Math.abs(percent) < 1e-9) return "0 %"
  const size = Math.abs(percent)
  const digits = size >= 1e-4 ? Number(size.toPrecision(3)).toString() : size.toExponential(1)
  return `${percent > 0 ? "+" : "\u2212"}${digits} %`
}

function shareOf(x) {
  const percent = Math.abs(100 * x)
  const digits = percent >= 9.95 ? percent.toFixed(0) : percent.toPrecision(2)
  return `${x > 0 ? "+" : x < 0 ? "\u2212" : ""}${Number(digits)} %`
}

const sizes = ([n, m]) => `${count(n)} × ${count(m)}`

// Predicted (a straight line) and actual change over the image's weight; the ground is set off
// where the two agree.
function whatIfChart(answer) {
  const { width, height, left, right, top, bottom } = CHART
  const { shares, distance, holds } = answer
  const [predicted, actual] = [answer.predicted, answer.actual].map(all => all.map(x => x / distance))
  const low = Math.min(...predicted, ...actual)
  const high = Math.max(...predicted, ...actual)
  const x = share => left + ((share + 1) / 2) * (width - left - right)
  const y = value => top + ((high - value) / (high - low)) * (height - top - bottom)
  const path = values => shares.map((s, i) => `${i ? "L" : "M"}${x(s).toFixed(1)} ${y(values[i]).toFixed(1)}`).join("")
  const base = height - bottom
  const text = (at, down, anchor, words) => svg("text", { x: at, y: down, "text-anchor": anchor }, words)
  const drawn = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `Change of the OT distance over the weight of the image. Removed: ${change(actual[0])}, ` +
      `predicted ${change(predicted[0])}. Double: ${change(actual.at(-1))}, predicted ${change(predicted.at(-1))}.` })
  if (holds[1] > holds[0]) {
    drawn.append(svg("rect", { class: "holds", x: x(holds[0]), y: top, height: base - top,
      width: x(holds[1]) - x(holds[0]) }))
  }
  for (const mark of marks(low, high)) {
    drawn.append(
      svg("line", { class: mark === 0 ? "zero" : "rule", x1: left, x2: width - right, y1: y(mark), y2: y(mark) }),
      text(left - 6, y(mark) + 4, "end", change(mark)))
  }
  const ends = [[-1, "start", "Removed"], [0, "middle", "As it is"], [1, "end", "Double weight"]]
  for (const [share, anchor, words] of ends) {
    drawn.append(
      svg("line", { class: "rule", x1: x(share), x2: x(share), y1: top, y2: base + 4 }),
      text(x(share), base + 17, anchor, words))
  }
  drawn.append(
    svg("path", { class: "actual", d: path(actual) }),
    svg("path", { class: "predicted", d: path(predicted) }))
  return drawn
}

// What to see in the chart, in a sentence.
function whatIfVerdict({ holds: [low, high], slight, same }) {
  const who = same ? "its value" : "its gradient"
  if (slight) return `Hardly anything changes: ${who} is close to zero.`
  if (low <= -1 && high >= 1) {
    return `As predicted: ${who} is right within ${WITHIN}, from removal to double weight.`
  }
  if (low === 0 && high === 0) {
    return `Not as predicted: the distance bends here, so ${who} holds on neither side.`
  }
  return `Right within ${WITHIN} from ${shareOf(low)} to ${shareOf(high)} of its weight; ` +
    `beyond that ${who} promises too much.`
}

// What was solved, for whoever wants to know how far to trust it.
function whatIfSource({ exact, images, whole, linear, same }) {
  const on = (all, part) => (all ? `all ${sizes(part)} images` : `${sizes(part)} representative images, this one among them`)
  const solved = `Re-solved ${exact ? "exactly " : "at the run's settings "}on ${on(whole, images)}.`
  const range = linear.kink
    ? "has a kink at its present weight"
    : `is linear from ${shareOf(linear.low)} to ${shareOf(linear.high)} of its weight`
  const other = same ? "" : " Its gradient says what the OT distance does; its value follows from more than that."
  return `${solved} Exact OT, without regularization, ${range} (on ${on(linear.whole, linear.images)}).${other}`
}

class WhatIf {
  constructor() {
    this.section = new Section("whatif", "What if it is removed, or counts double?",
      { key: "W", draw: () => this.draw() })
    this.root = this.section.root
    this.body = element("div", { class: "answer" })
    this.section.inside.append(this.body)
  }

  show(store, row) {
    this.store = store
    this.row = row
    this.asked = false
    this.root.hidden = store?.hasPlan === false // without one there is no distance to solve for
    this.body.removeAttribute("aria-live") // only an answer that was asked for is read aloud
    this.section.show()
  }

  // Solving again takes a second or two: for each image it is asked for anew.
  draw() {
    const known = this.store?.whatIfOf.get(this.row)?.answer
    if (known) return this.showAnswer(known)
    const again = element("button", { type: "button", class: "act" }, "Solve again with less and more of this image")
    again.onclick = () => this.solve()
    this.body.replaceChildren(again)
  }

  ask() {
    if (this.root.hidden) return
    this.root.open = true
    this.section.show()
    this.solve()
    this.root.scrollIntoView({ block: "nearest" })
  }

  solve() {
    const { store, row } = this
    if (!store || row < 0 || this.asked || store.whatIfOf.get(row)?.answer) return
    this.asked = true
    this.body.setAttribute("aria-live", "polite")
    this.body.replaceChildren(element("p", { class: "quiet" }, "Solving again with less and more of this image…"))
    const current = () => row === this.row && store === this.store
    store.whatIf(row).then(
      answer => {
        if (!current()) return
        this.showAnswer(answer)
        this.root.scrollIntoView({ block: "nearest" })
      },
      error => {
        if (!current()) return
        this.asked = false
        this.body.replaceChildren(element("p", { class: "trouble" }, `This could not be worked out: ${error.message}`))
      },
    )
  }

  showAnswer(answer) {
    if (!(answer.distance > 0) || !answer.actual.some(Boolean)) {
      this.body.replaceChildren(element("p", {}, "The distance does not change with this image."))
      return
    }
    const part = (values, at) => change(values.at(at) / answer.distance)
    const figures = (words, at) => element("div", {},
      element("dt", {}, words),
      element("dd", {}, element("b", {}, part(answer.actual, at)),
        element("span", { class: "quiet" }, ` predicted ${part(answer.predicted, at)}`)))
    this.body.replaceChildren(
      element("p", { class: "verdict" }, whatIfVerdict(answer)),
      element("h5", {}, "Change of the OT distance"),
      whatIfChart(answer),
      element("div", { class: "legend" },
        element("span", { class: "actual" }, "Actual, solved again"),
        element("span", { class: "predicted" }, answer.same ? "Predicted by its value" : "Predicted by its gradient"),
        element("span", { class: "holds" }, `Right within ${WITHIN}`)),
      element("dl", { class: "figures" }, figures("Removed", 0), figures("Double weight", -1)),
      element("p", { class: "quiet small" }, whatIfSource(answer)),
    )
  }
}
