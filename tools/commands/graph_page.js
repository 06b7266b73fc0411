// Runs in ComfyUI's front end: builds a graph from an API prompt, lays it out, and returns it as the front end saves it.
async ({ prompt, layout, name }) => {
  const GAP = 50, TITLE = 30, HEAD = 50, PAD = 20, WIDTH = 330
  app.clean() // what the graph before has shown would stretch nodes of the same numbers
  app.loadApiJson(prompt, name)
  await new Promise((done) => setTimeout(done, 500))
  const graph = app.graph
  const byId = Object.fromEntries(graph.nodes.map((node) => [String(node.id), node]))

  for (const node of graph.nodes) {
    const after = node.widgets?.find((widget) => widget.name === 'control_after_generate')
    if (after) after.value = 'fixed'
  }

  const place = (node, x, y, width, sizes) => {
    const wanted = sizes[String(node.id)] ?? []
    const least = node.computeSize()
    node.pos = [x, y + TITLE]
    node.setSize([wanted[0] ?? width, Math.max(wanted[1] ?? 0, least[1])])
    return y + TITLE + node.size[1] + PAD
  }

  let x = 0
  let bottom = 0
  for (const column of layout.columns) {
    const width = column.width ?? WIDTH
    let y = 0
    for (const group of column.groups) {
      const top = y
      y += HEAD
      for (const id of group.nodes) {
        if (!byId[id]) throw new Error(`layout of ${name}: there is no node ${id}`)
        y = place(byId[id], x, y, width, layout.sizes ?? {})
        delete byId[id]
      }
      const box = new LiteGraph.LGraphGroup(group.title)
      box.pos = [x - PAD, top]
      box.size = [width + 2 * PAD, y - top]
      graph.add(box)
      y += GAP / 2
    }
    if (column.note) {
      const note = LiteGraph.createNode('Note')
      note.title = 'What to change first'
      note.color = '#432'
      note.bgcolor = '#653'
      graph.add(note)
      note.widgets[0].value = column.note
      note.pos = [x, y + TITLE]
      note.setSize([width, column.note_height ?? 300])
      y += TITLE + note.size[1]
    }
    bottom = Math.max(bottom, y)
    x += width + 2 * PAD + GAP
  }
  const forgotten = Object.keys(byId)
  if (forgotten.length) throw new Error(`layout of ${name}: nodes ${forgotten} have no place`)
  const saved = graph.serialize()
  delete saved.extra
  const exported = (await app.graphToPrompt()).output
  return { graph: saved, exported, size: [x - GAP, bottom] }
}
