// The sheet that says which key does what.

const HELP = [
  ["Decide, and go on to the next", [
    ["K", "Keep"], ["R", "Remove"], ["U", "Unsure"], ["L", "Relabel: type a class, or Enter for the one suggested"],
    ["N", "Write a note"],
  ]],
  ["Select many, decide together", [
    ["Shift \u2190 \u2192 \u2191 \u2193", "Select from here on; Shift and click, too"],
    ["X", "Select this one; Ctrl and click, too"],
    ["A", "Select all that the filters show"],
    ["Esc", "Select none"],
  ]],
  ["Take back", [["Z", "Undo the last decision, one or many"], ["Shift Z", "Redo it"]]],
  ["Move", [
    ["\u2190 \u2192 \u2191 \u2193", "To the image beside"],
    ["Page up, down", "By a screen"],
    ["Home, End", "To the first, to the last"],
  ]],
  ["Look", [
    ["Space", "Enlarge the picture; a double click, too"],
    ["W", "What if it is removed, or counts double?"], ["P", "How far is the review?"],
  ]],
  ["Other", [["?", "Show or hide these keys"], ["Esc", "Close; back to the pictures"]]],
]

class HelpWindow extends Window {
  constructor(root, closed) {
    super(root, "help", "Keys", closed)
    this.box.onkeydown = event => {
      if (event.key === "?") this.close()
    }
    this.done = element("button", { type: "button" }, "Close")
    this.done.onclick = () => this.close()
  }

  ask() {
    const groups = HELP.map(([title, keys]) => element("section", {},
      element("h4", {}, title),
      element("dl", {}, ...keys.flatMap(([key, what]) => [
        element("dt", {}, element("kbd", {}, key)), element("dd", {}, what),
      ]))))
    this.show(element("h3", {}, "Keys"), element("div", { class: "keys" }, ...groups),
      element("div", { class: "row" }, this.done))
    this.done.focus()
  }
}
