// Which images are selected beside the current one, to be decided together. No DOM in here.

class Selection {
  constructor(n) {
    this.mask = new Uint8Array(n)
    this.size = 0
    this.anchor = null // position from which a range is drawn
    this.span = null // the range drawn last; drawing on replaces it
  }

  has(row) {
    return this.mask[row] === 1
  }

  set(row, on) {
    this.size += Number(on) - this.mask[row]
    this.mask[row] = Number(on)
  }

  toggle(rows, position) {
    this.set(rows[position], !this.has(rows[position]))
    this.anchor = position
    this.span = null
  }

  // Select from the anchor to `position`; returns the rows whose selection may have changed.
  extend(rows, position, from) {
    this.anchor ??= from
    const touched = []
    const fill = ([first, last], on) => {
      for (let p = first; p <= last; p += 1) {
        this.set(rows[p], on)
        touched.push(rows[p])
      }
    }
    if (this.span) fill(this.span, false)
    this.span = [Math.min(this.anchor, position), Math.max(this.anchor, position)]
    fill(this.span, true)
    return touched
  }

  all(rows) {
    this.clear()
    for (const row of rows) this.mask[row] = 1
    this.size = rows.length
  }

  clear() {
    if (this.size) this.mask.fill(0)
    this.size = 0
    this.anchor = null
    this.span = null
  }

  // The selected rows in the order of `rows`.
  of(rows) {
    return rows.filter(row => this.mask[row] === 1)
  }
}
