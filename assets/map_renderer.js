// Draws the points: WebGL where there is one, else a plain canvas. Geometry goes to the graphics card
// once; a change of colors, of what is shown or of what is selected sends one byte a point.
//
// A point has a code, its color's place in a palette of 256, and a state: HIDDEN, SHOWN or CHOSEN.

const HIDDEN = 0
const SHOWN = 1
const CHOSEN = 2
const FADED = 0.16 // opacity of what is not selected, while something is
const DIAMOND = 1.75 // size of a validation image's diamond, in discs

const VERTEX = `
  attribute vec2 place; attribute float code; attribute float state;
  uniform vec2 centre, scale; uniform float size; uniform float choosing; uniform sampler2D palette;
  varying vec4 color; varying float side;
  void main() {
    float shown = step(0.5, state), chosen = step(1.5, state);
    gl_Position = shown > 0.5 ? vec4((place - centre) * scale, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
    side = size;
    gl_PointSize = size;
    color = texture2D(palette, vec2((code + 0.5) / 256.0, 0.5));
    color.a *= mix(1.0, mix(${FADED.toFixed(2)}, 1.0, chosen), choosing);
  }`
const FRAGMENT = `
  precision mediump float;
  varying vec4 color; varying float side; uniform float diamond;
  void main() {
    vec2 at = (gl_PointCoord - 0.5) * side;
    float reach = diamond > 0.5 ? abs(at.x) + abs(at.y) : length(at);
    float edge = side * 0.5 - 0.5;
    float cover = clamp(edge + 0.5 - reach, 0.0, 1.0);
    if (diamond > 0.5) cover *= clamp(reach - edge + 1.8, 0.0, 1.0);
    if (cover <= 0.0) discard;
    gl_FragColor = vec4(color.rgb, 1.0) * color.a * cover;
  }`

// Radius of a disc in px: smaller where there are many, larger where one looks closely.
function discRadius(size, zoom) {
  const base = Math.min(4, Math.max(1.1, 260 / Math.sqrt(size)))
  return Math.min(9, base * zoom ** 0.45)
}

class GlRenderer {
  constructor(canvas, gl) {
    this.canvas = canvas
    this.gl = gl
    canvas.addEventListener("webglcontextlost", event => event.preventDefault())
    canvas.addEventListener("webglcontextrestored", () => {
      this.build()
      if (this.given) this.setGeometry(...this.given)
      this.restored?.()
    })
    this.build()
  }

  static on(canvas) {
    const gl = canvas.getContext("webgl", { alpha: true, antialias: false, premultipliedAlpha: true })
    if (!gl?.getExtension("OES_element_index_uint")) return null
    return new GlRenderer(canvas, gl)
  }

  build() {
    const { gl } = this
    const program = gl.createProgram()
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind)
      gl.shaderSource(shader, source)
      gl.compileShader(shader)
      gl.attachShader(program, shader)
    }
    gl.linkProgram(program)
    gl.useProgram(program)
    const at = name => gl.getUniformLocation(program, name)
    this.at = Object.fromEntries(
      ["centre", "scale", "size", "choosing", "diamond"].map(name => [name, at(name)]))
    this.buffers = Object.fromEntries(
      ["place", "code", "state", "order"].map(name => [name, gl.createBuffer()]))
    this.attributes = Object.fromEntries(
      ["place", "code", "state"].map(name => [name, gl.getAttribLocation(program, name)]))
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture())
    for (const [name, value] of [
      [gl.TEXTURE_MIN_FILTER, gl.NEAREST], [gl.TEXTURE_MAG_FILTER, gl.NEAREST],
      [gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE], [gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE],
    ]) gl.texParameteri(gl.TEXTURE_2D, name, value)
    gl.enable(gl.BLEND)
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA)
  }

  // `order`: the training images as they are drawn, the last on top.
  setGeometry(points, order) {
    const { gl } = this
    this.given = [points, order]
    this.points = points
    this.upload("place", points.xy, 2, gl.FLOAT)
    const all = new Uint32Array(points.size)
    for (let i = points.n; i < points.size; i += 1) all[i - points.n] = i
    all.set(order, points.size - points.n)
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.order)
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, all, gl.STATIC_DRAW)
  }

  upload(name, array, width, type) {
    const { gl } = this
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[name])
    gl.bufferData(gl.ARRAY_BUFFER, array, gl.STATIC_DRAW)
    gl.enableVertexAttribArray(this.attributes[name])
    gl.vertexAttribPointer(this.attributes[name], width, type, false, 0, 0)
  }

  setCodes(codes, palette) {
    const { gl } = this
    this.upload("code", codes, 1, gl.UNSIGNED_BYTE)
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette)
  }

  setStates(states) {
    this.upload("state", states, 1, this.gl.UNSIGNED_BYTE)
  }

  draw(view, choosing) {
    const { gl, points } = this
    gl.viewport(0, 0, this.canvas.width, this.canvas.height)
    gl.clearColor(0, 0, 0, 0)
    gl.clear(gl.COLOR_BUFFER_BIT)
    gl.uniform2f(this.at.centre, view.x, view.y)
    gl.uniform2f(this.at.scale, (2 * view.scale) / view.width, (2 * view.scale) / view.height)
    gl.uniform1f(this.at.choosing, choosing ? 1 : 0)
    const side = 2 * discRadius(points.size, view.zoom) * view.ratio
    const others = points.size - points.n
    gl.uniform1f(this.at.diamond, 1)
    gl.uniform1f(this.at.size, side * DIAMOND + 2)
    gl.drawElements(gl.POINTS, others, gl.UNSIGNED_INT, 0)
    gl.uniform1f(this.at.diamond, 0)
    gl.uniform1f(this.at.size, side + 1)
    gl.drawElements(gl.POINTS, points.n, gl.UNSIGNED_INT, 4 * others)
  }

  close() {
    this.gl.getExtension("WEBGL_lose_context")?.loseContext() // browsers allow few at a time
  }
}

class CanvasRenderer {
  constructor(canvas) {
    this.canvas = canvas
    this.pen = canvas.getContext("2d")
  }

  setGeometry(points, order) {
    Object.assign(this, { points, order })
  }

  setCodes(codes, palette) {
    this.codes = codes
    this.colors = Array.from({ length: 256 }, (_, k) => {
      const [red, green, blue, alpha] = palette.subarray(4 * k, 4 * k + 4)
      return [`rgb(${red} ${green} ${blue})`, alpha / 255]
    })
  }

  setStates(states) {
    this.states = states
  }

  draw(view, choosing) {
    const { pen, points, canvas } = this
    pen.setTransform(1, 0, 0, 1, 0, 0)
    pen.clearRect(0, 0, canvas.width, canvas.height)
    pen.setTransform(view.ratio, 0, 0, view.ratio, 0, 0)
    const radius = discRadius(points.size, view.zoom)
    const half = radius * DIAMOND
    pen.lineWidth = 1
    for (let i = points.n; i < points.size; i += 1) {
      this.each(i, view, choosing, half, (x, y) => {
        pen.beginPath()
        pen.moveTo(x - half, y)
        pen.lineTo(x, y - half)
        pen.lineTo(x + half, y)
        pen.lineTo(x, y + half)
        pen.closePath()
        pen.stroke()
      })
    }
    const side = radius * 1.8 // a square as large as the disc: far quicker to fill
    for (const i of this.order) {
      this.each(i, view, choosing, radius, (x, y) => pen.fillRect(x - side / 2, y - side / 2, side, side))
    }
  }

  each(i, view, choosing, reach, put) {
    const state = this.states[i]
    if (state === HIDDEN) return
    const { xy } = this.points
    const x = view.width / 2 + (xy[2 * i] - view.x) * view.scale
    const y = view.height / 2 - (xy[2 * i + 1] - view.y) * view.scale
    if (x < -reach || y < -reach || x > view.width + reach || y > view.height + reach) return
    const [color, alpha] = this.colors[this.codes[i]]
    this.pen.fillStyle = color
    this.pen.strokeStyle = color
    this.pen.globalAlpha = choosing && state !== CHOSEN ? alpha * FADED : alpha
    put(x, y)
  }

  close() {}
}

const rendererOn = canvas => GlRenderer.on(canvas) ?? new CanvasRenderer(canvas)
