// The sheet that says which key does what.

const HELP = [
  ["Decide, and go on to the next", [
    ["K", "Keep"], ["R", "Remove"], ["U", "Unsure"], ["L", "Relabel to another class"],
  ]],
  ["Take back", [["Z", "Undo the last decision"], ["Shift Z", "Redo it"]]],
  ["Move", [
    ["\u2190 \u2192 \u2191 \u2193", "To the image beside"],
    ["Page up, down", "By a screen"],
    ["Home, End", "To the first, to the last"],
  ]],
  ["Ask", [["W", "What if it is removed, or counts double?"]]],
  ["Other", [["?", "Show or hide these keys"], ["Esc", "Close; back to the pictures"]]],
]

function helpSheet(done) {
  const close = element("button", { type: "button" }, "Close")
  close.onclick = done
  const groups = HELP.map(([title, keys]) => element("section", {},
    element("h4", {}, title),
    element("dl", {}, ...keys.flatMap(([key, what]) => [
      element("dt", {}, element("kbd", {}, key)), element("dd", {}, what),
    ]))))
  return element("div", { class: "sheet-of-keys" }, element("h3", {}, "Keys"), ...groups, close)
}
