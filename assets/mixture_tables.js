// The panels of rows: the best mix by size, the classes, the predictors.

const MORE_IMAGES = 100
const MORE_MONEY = 10
const ENOUGH = 0.003 // accuracy that is not worth more images

function pointsText(change) {
  const size = Math.abs(100 * change)
  const digits = size >= 0.995 ? 1 : size >= 0.01 ? 2 : 4
  return Number(size.toFixed(digits)) ? `${change < 0 ? "−" : "+"}${size.toFixed(digits)} points` : "nothing"
}

const levelText = ({ level }) => `${Math.round(100 * level)} % interval`
const spanText = (low, high) => `${(100 * clipped(low)).toFixed(1)} to ${percentText(clipped(high))}`

function rowOf(cells, attributes = {}) {
  return element("tr", attributes, ...cells.map(cell => (cell instanceof Node && cell.tagName === "TD" ? cell : element("td", {}, cell))))
}

function tableOf(heads, rows, kind) {
  const head = heads.map(([text, title]) => element("th", { scope: "col", title }, text))
  return element("table", { class: kind }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows))
}

function stacked(p, names) {
  const parts = p.map((share, s) => element("i", { style: `width:${(100 * share).toFixed(2)}%;background:${hueOf(s)}`,
    title: `${names[s]}: ${shareText(share)} %` }))
  return element("div", { class: "stacked", role: "img", "aria-label": names.map((name, s) => `${name} ${shareText(p[s])} %`).join(", ") }, ...parts)
}

class Sizes {
  // hooks: take(mix)
  constructor(root, about, hooks) {
    Object.assign(this, { root, about, hooks })
    this.sentence = element("p", { class: "quiet" }, "Looking for the best mixes…")
    this.table = element("div", {})
    root.replaceChildren(element("h3", {}, "The best mix, by how much is bought"), this.sentence, this.table)
  }

  show(best, budget, locked) {
    const { names, currency } = this.about
    const priced = best.some(mix => mix.cost != null)
    this.best = best
    const rows = best.map(mix => {
      const take = element("button", { type: "button", class: "plain", title: "Take this mix" }, count(mix.n))
      take.onclick = () => this.hooks.take(mix)
      return rowOf([take, stacked(mix.p, names), percentText(clipped(mix.accuracy)),
        spanText(mix.low, mix.high),
        ...(priced ? [mix.cost == null ? "" : money(mix.cost, currency)] : [])])
    })
    const heads = [["Images"], ["Mix"], ["Accuracy"], [levelText(this.about)], ...(priced ? [["Cost"]] : [])]
    this.table.replaceChildren(tableOf(heads, rows, "by-size"))
    this.sentence.textContent = this.says(best, budget, locked)
  }

  says(best, budget, locked) {
    const within = (budget == null ? "" : ` within ${money(budget, this.about.currency)}`) + (locked ? ", with what is locked" : "")
    if (best.length < 2) return `What can be bought${within}.`
    const reached = mix => clipped(mix.accuracy)
    const most = Math.max(...best.map(reached))
    const enough = best.find(mix => reached(mix) >= most - ENOUGH)
    if (enough === best.at(-1)) return `From ${percentText(reached(best[0]))} to ${percentText(reached(enough))}${within}: more images still help.`
    const cost = enough.cost == null ? "" : ` for ${money(enough.cost, this.about.currency)}`
    return `${manyImages(enough.n)}${cost} reach ${percentText(reached(enough))}${within}; more bring ${(100 * ENOUGH).toFixed(1)} points at most.`
  }

  failed(sentence) {
    this.sentence.textContent = sentence
    this.table.replaceChildren()
  }
}

// What a little more of each source would bring.
class More {
  constructor(root, about) {
    this.about = about
    const priced = about.offers.some(offer => offer.price)
    this.rows = about.names.map((name, s) => {
      const cells = [element("td", { class: "number" }), ...(priced ? [element("td", { class: "number" })] : [])]
      const root = rowOf([element("td", { class: "label", title: name }, element("i", { class: "swatch", style: `background:${hueOf(s)}` }), element("b", {}, name)), ...cells])
      return { root, cells }
    })
    const heads = [["A little more of"], [`${MORE_IMAGES} more images`], ...(priced ? [[`${MORE_MONEY} ${about.currency} more`]] : [])]
    root.append(element("div", { class: "scrolled" }, tableOf(heads, this.rows.map(row => row.root), "by-source")))
  }

  show({ per_image: images, per_price: prices }) {
    this.rows.forEach(({ cells: [some, paid] }, s) => {
      some.textContent = pointsText(MORE_IMAGES * images[s])
      if (paid) paid.textContent = prices[s] == null ? "–" : pointsText(MORE_MONEY * prices[s])
    })
  }
}

class Classes {
  constructor(root, about) {
    Object.assign(this, { root, about })
    this.sentence = element("p", { class: "quiet" })
    this.table = element("div", { class: "scrolled" })
    root.replaceChildren(element("h3", {}, "Classes of this mix"), this.sentence, this.table)
    const total = about.validation.classes.reduce((sum, one) => sum + one, 0)
    this.measured = about.class_measured
    this.wanted = about.validation.classes.map(one => one / total)
    this.rows = about.class_names.map((name, u) => {
      const [bar, mark] = [element("i", { class: "share" }), element("i", { class: "wanted", title: `${shareText(this.wanted[u])} % of the validation set` })]
      const cells = { share: element("td", { class: "number" }), accuracy: element("td", { class: "number" }), interval: element("td", { class: "number quiet" }) }
      const root = rowOf([element("td", { class: "label", title: name }, name),
        element("td", {}, element("div", { class: "meter" }, bar, mark)), cells.share, cells.accuracy, cells.interval])
      return { root, bar, mark, ...cells }
    })
    this.table.append(tableOf([["Class"], ["Share (line: validation set)"], [""], ["Accuracy"], [levelText(about)]], this.rows.map(row => row.root), "by-class"))
  }

  show({ shares, per_class: projected, n }) {
    const accuracy = projected?.accuracy
    const most = Math.max(...shares, ...this.wanted)
    this.rows.forEach((row, u) => {
      row.bar.style.width = `${(100 * shares[u]) / most}%`
      row.mark.style.left = `${(100 * this.wanted[u]) / most}%`
      row.share.textContent = percentText(shares[u])
      const known = accuracy && this.measured[u]
      row.accuracy.textContent = known ? percentText(clipped(accuracy[u])) : "–"
      row.interval.textContent = known ? spanText(projected.low[u], projected.high[u]) : ""
    })
    this.sentence.textContent = this.says(shares, accuracy, n)
  }

  says(shares, accuracy, n) {
    const names = this.about.class_names
    if (accuracy && this.measured.some(Boolean)) {
      const worst = accuracy.reduce((at, one, u) => (this.measured[u] && !(one >= accuracy[at]) ? u : at), -1)
      return `${names[worst]} is projected lowest, ${percentText(clipped(accuracy[worst]))} at ${manyImages(n)}; it is `
        + `${shareText(shares[worst])} % of the mix and ${shareText(this.wanted[worst])} % of the validation set.`
    }
    const short_ = shares.map((share, u) => share - this.wanted[u])
    const scarce = short_.reduce((at, one, u) => (one < short_[at] ? u : at), 0)
    return `${names[scarce]} is the scarcest: ${shareText(shares[scarce])} % of the mix, `
      + `${shareText(this.wanted[scarce])} % of the validation set. This predictor knows no classes.`
  }
}

class Predictors {
  // hooks: by(name)
  constructor(root, about, hooks) {
    Object.assign(this, { root, about, hooks })
    this.note = element("p", { class: "quiet" })
    const measured = about.predictors.some(one => one.error != null)
    const last = count(about.trained)
    const rows = about.predictors.map(one => this.row(one))
    root.replaceChildren(element("h3", {}, "Predictors side by side"),
      element("p", { class: "quiet" }, measured ? `Held-out error: how far each misses the mixes trained at ${last}, predicted from the smaller sizes.`
        : "With one size nothing can be held out: none is known to be better than another."),
      element("p", { hidden: !about.growth }, about.growth ?? ""),
      tableOf([["Predictor"], ["Held-out error", "Mean absolute error, points of accuracy"], ["This mix"], [levelText(about)]], rows, "by-predictor"), this.note)
  }

  row(one) {
    const pick = element("input", { type: "radio", name: "by", value: one.name, disabled: !!one.missing })
    pick.onchange = () => this.hooks.by(one.name)
    const label = element("label", { title: one.missing || one.summary }, pick, element("span", {}, one.title))
    const error = one.error == null ? "–" : `${(100 * one.error).toFixed(1)} points`
    const cells = [element("td", { class: "number" }), element("td", { class: "number" })]
    this.cells ??= new Map()
    this.cells.set(one.name, { pick, cells })
    return rowOf([element("td", {}, label), element("td", { class: "number" }, one.missing ? "not fitted" : error), ...cells], { class: one.missing ? "missing" : "" })
  }

  show(others, by) {
    for (const [name, { pick, cells: [value, interval] }] of this.cells) {
      pick.checked = name === by
      const one = others[name]
      value.textContent = one ? percentText(clipped(one.accuracy)) : ""
      interval.textContent = one ? spanText(one.low, one.high) : ""
    }
    const chosen = this.about.predictors.find(one => one.name === by)
    const better = by === "saturating" && this.about.predictors.find(one => one.error != null && one.error < chosen.error - AS_GOOD)
    const beside = better ? ` ${better.title} missed less here; the saturating law is shown first because it missed least where larger sizes were trained to check.` : ""
    this.note.textContent = `${chosen.title}: ${count(chosen.parameters)} parameters, ${count(chosen.points)} points. ${chosen.notes.join(" ")}${beside}`
  }
}
