// Elements of the document: text stays text, whatever it holds.

function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children)
}

function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children)
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue
    made.setAttribute(name, value === true ? "" : value)
  }
  made.append(...children) // strings become text, never markup
  return made
}

function icon(path) {
  return svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: path }))
}
