// The ids of images: asked for when they are drawn, many at once, and kept. No DOM in here.

const IDS_KEPT = 20000
const IDS_AT_ONCE = 500

class ImageIds {
  // told(rows) is called when their ids have come.
  constructor(base, told) {
    this.base = base
    this.told = told
    this.known = new Recent(IDS_KEPT)
    this.wanted = new Set()
  }

  // The id of the image in `row`, "" until it has come.
  of(row) {
    const known = this.known.get(row)
    if (known !== undefined) return known
    if (!this.wanted.size) setTimeout(() => this.fetch(), 0) // one request for what is drawn
    this.wanted.add(row)
    return ""
  }

  learn(row, id) {
    this.known.set(row, id)
  }

  async fetch() {
    const rows = [...this.wanted]
    this.wanted.clear()
    for (let start = 0; start < rows.length; start += IDS_AT_ONCE) {
      const some = rows.slice(start, start + IDS_AT_ONCE)
      const ids = await fetchJson(`${this.base}/ids?rows=${some.join(",")}`).catch(() => null)
      if (!ids) continue // asked for again when it is drawn again
      some.forEach((row, i) => this.known.set(row, ids[i]))
      this.told(some)
    }
  }
}
