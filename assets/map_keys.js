// Which key does what on the map: the review's keys, and those of the map's tools.

const ZOOM_STEP = 1.4
const PAN_PX = 60

class MapKeys extends Keyboard {
  constructor(map) {
    super(map.panel, map.panel.actions)
    this.map = map
    this.onUp = event => event.key === " " && map.hold(false)
    globalThis.addEventListener("keyup", this.onUp, true)
  }

  get letters() {
    const { map } = this
    const { w, p, "?": help, ...deciding } = super.letters
    return {
      ...deciding,
      1: () => map.use("lasso"),
      2: () => map.use("box"),
      3: () => map.use("move"),
      0: () => map.fit(),
      "+": () => map.zoomBy(ZOOM_STEP),
      "=": () => map.zoomBy(ZOOM_STEP),
      "-": () => map.zoomBy(1 / ZOOM_STEP),
    }
  }

  get moves() {
    const { map } = this
    if (map.root.getRootNode().activeElement !== map.over) return super.moves
    return {
      ArrowLeft: () => map.panBy(PAN_PX, 0),
      ArrowRight: () => map.panBy(-PAN_PX, 0),
      ArrowUp: () => map.panBy(0, PAN_PX),
      ArrowDown: () => map.panBy(0, -PAN_PX),
      " ": () => map.hold(true),
    }
  }

  // One thing at a time: the outline being drawn, the images marked, then the whole selection.
  escape(event, inside, field) {
    const { map, actions } = this
    if (actions.zoom.open || field || (!inside && event.composedPath()[0] !== document.body)) return
    this.caught(event)
    if (map.gestures.cancel()) return
    if (this.view.selection.size) actions.selectNone()
    else map.selectPoints([], "only")
  }

  close() {
    super.close()
    globalThis.removeEventListener("keyup", this.onUp, true)
  }
}
