// What is likely to be looked at next is loaded before it is asked for.

const AHEAD = 6 // pictures decoded ahead of the current image

function picturesAhead(store, rows, position) {
  if (!store.hasPictures) return
  for (let step = 1; step <= AHEAD; step += 1) {
    const row = rows[position + step]
    if (row !== undefined) store.picture(row)
  }
}

function evidenceAhead(store, rows, position) {
  for (const step of [1, 2, -1]) {
    const near = rows[position + step]
    if (near === undefined || store.evidenceOf.has(near)) continue
    store.evidence(near).then(answer => picturesOfEvidence(store, answer), () => {})
  }
}

function picturesOfEvidence(store, answer) {
  if (!store.hasPictures) return
  for (const [key] of STRIPS) {
    for (const item of answer[key].slice(0, STRIP)) {
      new Image().src = store.pictureUrl("validation", item.row, 128)
    }
  }
}
