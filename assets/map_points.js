// Where the images lie in the plane, and which of them are near or inside something. No DOM here.
//
// Points are numbered over both sets: training images first, by their row, then validation images.

const CELLS = 160 // cells of the index along a side: some two points each at 60,000
const LEAST_HALF = 0.05
const ANCHOR_CELLS = 48 // of the coarser raster in which a class is densest where its name stands

class MapPoints {
  constructor(positions, n) {
    this.xy = positions
    this.size = positions.length / 2
    this.n = n
    this.index()
  }

  // Half the width and height of what the points take up around the middle.
  get half() {
    const half = [LEAST_HALF, LEAST_HALF]
    for (let k = 0; k < this.xy.length; k += 1) half[k % 2] = Math.max(half[k % 2], Math.abs(this.xy[k]))
    return half
  }

  // Points by the cell they lie in: `members` from `starts[cell]` to `starts[cell + 1]`.
  index() {
    const { xy, size } = this
    const cells = new Uint32Array(size)
    const starts = new Uint32Array(CELLS * CELLS + 1)
    for (let i = 0; i < size; i += 1) {
      cells[i] = this.cell(xy[2 * i], xy[2 * i + 1])
      starts[cells[i] + 1] += 1
    }
    for (let c = 0; c < CELLS * CELLS; c += 1) starts[c + 1] += starts[c]
    const next = starts.slice()
    const members = new Uint32Array(size)
    for (let i = 0; i < size; i += 1) members[next[cells[i]]++] = i
    Object.assign(this, { starts, members })
  }

  column(x) {
    return Math.min(CELLS - 1, Math.max(0, Math.floor(((x + 1) / 2) * CELLS)))
  }

  cell(x, y) {
    return this.column(y) * CELLS + this.column(x)
  }

  // Call `visit` with every point whose cell touches the box.
  near([left, bottom, right, top], visit) {
    const [first, last] = [this.column(left), this.column(right)]
    for (let line = this.column(bottom); line <= this.column(top); line += 1) {
      const end = this.starts[line * CELLS + last + 1]
      for (let k = this.starts[line * CELLS + first]; k < end; k += 1) visit(this.members[k])
    }
  }

  // The point that `shown` and is nearest to (x, y), within `radius`; -1 where there is none.
  nearest(x, y, radius, shown) {
    let best = -1
    let least = radius * radius
    this.near([x - radius, y - radius, x + radius, y + radius], i => {
      const [dx, dy] = [this.xy[2 * i] - x, this.xy[2 * i + 1] - y]
      const distance = dx * dx + dy * dy
      if (distance <= least && shown(i)) [best, least] = [i, distance]
    })
    return best
  }

  // The points inside a closed outline [x0, y0, x1, y1, ...], by the even-odd rule.
  inside(outline) {
    const box = bounds(outline)
    const found = []
    this.near(box, i => {
      const [x, y] = [this.xy[2 * i], this.xy[2 * i + 1]]
      if (x < box[0] || x > box[2] || y < box[1] || y > box[3]) return
      if (encloses(outline, x, y)) found.push(i)
    })
    return found
  }

  // Where each class is densest, as [x, y], or null for one without images.
  anchors(labels, classes) {
    const counts = new Map()
    const cellOf = i => {
      const at = offset => Math.min(ANCHOR_CELLS - 1, Math.floor(((this.xy[2 * i + offset] + 1) / 2) * ANCHOR_CELLS))
      return (labels[i] * ANCHOR_CELLS + Math.max(0, at(1))) * ANCHOR_CELLS + Math.max(0, at(0))
    }
    for (let i = 0; i < this.n; i += 1) {
      const cell = cellOf(i)
      const sum = counts.get(cell)
      if (!sum) counts.set(cell, [1, this.xy[2 * i], this.xy[2 * i + 1]])
      else {
        sum[0] += 1
        sum[1] += this.xy[2 * i]
        sum[2] += this.xy[2 * i + 1]
      }
    }
    const best = new Array(classes).fill(null)
    for (const [cell, sum] of counts) {
      const label = Math.floor(cell / (ANCHOR_CELLS * ANCHOR_CELLS))
      if (!best[label] || sum[0] > best[label][0]) best[label] = sum
    }
    return best.map(sum => sum && [sum[1] / sum[0], sum[2] / sum[0]])
  }
}

function bounds(outline) {
  const box = [Infinity, Infinity, -Infinity, -Infinity]
  for (let k = 0; k < outline.length; k += 2) {
    box[0] = Math.min(box[0], outline[k])
    box[1] = Math.min(box[1], outline[k + 1])
    box[2] = Math.max(box[2], outline[k])
    box[3] = Math.max(box[3], outline[k + 1])
  }
  return box
}

function encloses(outline, x, y) {
  let inside = false
  const { length } = outline
  for (let k = 0, j = length - 2; k < length; j = k, k += 2) {
    const [yk, yj] = [outline[k + 1], outline[j + 1]]
    if (yk > y === yj > y) continue
    if (x < ((outline[j] - outline[k]) * (y - yk)) / (yj - yk) + outline[k]) inside = !inside
  }
  return inside
}

// Have the server keep some rows; returns the name under which an address can hold them.
async function keepSelection(base, rows) {
  const response = await fetch(`${base}/selections`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Assay": "1" },
    body: JSON.stringify(rows),
  })
  const answer = await response.json().catch(() => ({}))
  if (!response.ok) throw new Error(answer.error ?? `The server answered ${response.status}.`)
  return answer.selection
}

// Positions, and labels of the validation images; `known` keeps what was asked for before.
function geometryOf(base, key, known) {
  let found = known.get(key)
  if (!found) {
    found = Promise.all([
      fetchRows(`${base}/map/${key}/positions`, Float32Array),
      fetchRows(`${base}/map/validation/labels`, Uint16Array),
    ])
    found.catch(() => known.delete(key))
    known.set(key, found)
  }
  return found
}
