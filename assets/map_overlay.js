// What lies over the points: the names of the classes, the outline being drawn, the image pointed at.

const CARD_IDS = 2000 // ids of validation images kept
const CARD_GAP = 14 // px between the image pointed at and its card

class Overlay {
  constructor(canvas, camera) {
    this.canvas = canvas
    this.camera = camera
    this.pen = canvas.getContext("2d")
  }

  // `names` are [name, [x, y]]; `rings` the numbers of points to be ringed.
  draw({ points, palette, names, rings, trace }) {
    const { pen, camera } = this
    pen.setTransform(camera.ratio, 0, 0, camera.ratio, 0, 0)
    pen.clearRect(0, 0, camera.width, camera.height)
    this.ink = css(palette.ink)
    this.drawNames(names, css(palette.ground))
    for (const i of rings) this.drawRing(points, i)
    if (trace) this.drawTrace(trace)
  }

  // Each name once, unless another one is there already.
  drawNames(names, ground) {
    const { pen, camera } = this
    pen.font = `600 12px ${getComputedStyle(this.canvas).fontFamily}`
    pen.textAlign = "center"
    pen.textBaseline = "middle"
    pen.lineWidth = 4
    pen.lineJoin = "round"
    const taken = []
    for (const [name, anchor] of names) {
      const half = pen.measureText(name).width / 2 + 4
      let [x, y] = camera.toScreen(...anchor)
      if (x < 0 || y < 0 || x > camera.width || y > camera.height) continue
      x = Math.max(half, Math.min(camera.width - half, x))
      if (taken.some(([at, line, wide]) => Math.abs(at - x) < wide + half && Math.abs(line - y) < 16)) continue
      taken.push([x, y, half])
      pen.strokeStyle = ground
      pen.strokeText(name, x, y)
      pen.fillStyle = this.ink
      pen.fillText(name, x, y)
    }
  }

  drawRing(points, i) {
    const { pen, camera } = this
    const [x, y] = camera.toScreen(points.xy[2 * i], points.xy[2 * i + 1])
    pen.beginPath()
    pen.arc(x, y, discRadius(points.size, camera.zoom) + 4, 0, 2 * Math.PI)
    pen.lineWidth = 2
    pen.strokeStyle = this.ink
    pen.stroke()
  }

  drawTrace(trace) {
    const { pen } = this
    pen.beginPath()
    for (let k = 0; k < trace.length; k += 2) pen.lineTo(trace[k], trace[k + 1])
    pen.closePath()
    pen.fillStyle = this.ink
    pen.globalAlpha = 0.08
    pen.fill()
    pen.globalAlpha = 1
    pen.lineWidth = 1.5
    pen.setLineDash([5, 3])
    pen.strokeStyle = this.ink
    pen.stroke()
    pen.setLineDash([])
  }
}

// The picture and the facts of the image that the pointer is on.
class Card {
  constructor(box, camera, base) {
    Object.assign(this, { box, camera, base, ids: new Recent(CARD_IDS), point: -1 })
  }

  open(store, points, validationLabels) {
    Object.assign(this, { store, points, labels: validationLabels })
  }

  show(point) {
    this.point = point
    this.box.hidden = point < 0
    if (this.box.hidden) return
    const { n, xy } = this.points
    this.box.replaceChildren(...(point < n ? this.training(point) : this.validation(point - n)))
    const [x, y] = this.camera.toScreen(xy[2 * point], xy[2 * point + 1])
    const { offsetWidth, offsetHeight } = this.box
    const left = x + CARD_GAP + offsetWidth > this.camera.width ? x - CARD_GAP - offsetWidth : x + CARD_GAP
    this.box.style.left = `${Math.max(4, left)}px`
    this.box.style.top = `${Math.max(4, Math.min(this.camera.height - offsetHeight - 4, y - offsetHeight / 2))}px`
  }

  training(row) {
    const { store } = this
    const [label, like] = [store.labels[row], store.looksLike[row]]
    const parts = [...this.picture("train", row), element("b", {}, store.classes[label])]
    if (like !== label) parts.push(element("span", {}, `looks like ${store.classes[like]}`))
    const dot = element("i", { class: `dot ${store.hurts(row) ? "hurts" : "helps"}` })
    parts.push(element("span", {}, dot, `Value ${amount(store.values[row])}`))
    const state = store.state(row)
    if (state[0] !== UNDECIDED) parts.push(badge(state))
    return [...parts, element("span", { class: "quiet" }, store.idOf(row))]
  }

  validation(row) {
    return [...this.picture("validation", row), element("b", {}, this.store.classes[this.labels[row]]),
      element("span", {}, "Validation image"), element("span", { class: "quiet" }, this.validationId(row))]
  }

  // The same element as long as the same image is pointed at: nothing flickers.
  picture(side, row) {
    if (!this.store.hasPictures) return []
    const url = this.store.pictureUrl(side, row, 256)
    if (this.shown?.url !== url) {
      const image = element("img", { alt: "" })
      image.onload = () => image.classList.toggle("pixelated", pixelated(image))
      image.src = url
      this.shown = { url, image }
    }
    return [this.shown.image]
  }

  validationId(row) {
    const known = this.ids.get(row)
    if (known === undefined) {
      this.ids.set(row, "")
      fetchJson(`${this.base}/map/validation/ids/${row}`).then(({ id }) => {
        this.ids.set(row, id)
        if (this.point === this.points.n + row) this.show(this.point)
      }, () => this.ids.delete(row))
    }
    return known ?? ""
  }
}
