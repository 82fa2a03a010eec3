// What is set on the page, in the address and for this tab: both outlive a reload, and a link shows
// somebody else the same.

const SETTINGS = ["mix", "images", "by", "money", "locked", "with"]

const memoryOf = projection => `assay.mixture.${projection}`

// The settings that the address names; where it names none, those that this tab last had here.
function asked(projection) {
  const named = new URLSearchParams(location.search)
  if (SETTINGS.some(name => named.has(name))) return named
  return new URLSearchParams(sessionStorage.getItem(memoryOf(projection)) ?? "")
}

// Settings to start from, and a sentence where the address holds a mix that is none.
function restored(projection, about) {
  const named = asked(projection)
  const m = about.names.length
  const [n, budget] = [Number(named.get("images")), Number(named.get("money"))]
  const first = about.best.find(mix => mix.n >= 5 * about.trained) ?? about.best[0]
  const known = about.predictors.some(one => one.name === named.get("by") && !one.missing)
  const [p, kept] = [read(named.get("mix"), m), read(named.get("with"), m)]
  const locked = (named.get("locked") ?? "").split(",")
  return {
    settings: {
      p: p ?? evenMix(m),
      n: n >= 1 && n <= MOST_IMAGES ? Math.max(Math.round(n), about.sizes[0]) : Math.max(first?.n ?? about.trained, about.sizes[0]),
      by: known ? named.get("by") : about.predictor,
      budget: payable(budget) && about.offers.every(offer => offer.price != null) ? budget : null,
      locked: Array.from({ length: m }, (_, s) => locked.includes(String(s + 1))),
    },
    kept,
    complaint: named.get("mix") && !p
      ? `The mix in this address is not one of ${m} shares with the sum 100; the even mix is shown.` : "",
  }
}

function remembered(projection, about, { p, n, by, budget, locked, keeping }) {
  const url = new URL(location.href)
  const written_ = {
    mix: written(p), images: n, by: by === about.predictor ? null : by, money: budget,
    locked: locked.flatMap((shut, s) => (shut ? [s + 1] : [])).join(","), with: keeping && written(keeping),
  }
  for (const name of SETTINGS) {
    const value = written_[name]
    if (value == null || value === "") url.searchParams.delete(name)
    else url.searchParams.set(name, value)
  }
  history.replaceState(history.state, "", url)
  const own = SETTINGS.flatMap(name => (url.searchParams.has(name) ? [[name, url.searchParams.get(name)]] : []))
  sessionStorage.setItem(memoryOf(projection), String(new URLSearchParams(own)))
}
