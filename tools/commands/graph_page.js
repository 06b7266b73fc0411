// Runs in ComfyUI's front end: builds a graph from an API prompt, lays it out, and returns it as the front end saves it.
// Under each node stays the room that it takes after a run (`shown`), in the rendering in which it is taller.
async ({ prompt, layout, name, shown }) => {
  const GAP = 50, TITLE = 30, HEAD = 50, PAD = 20, WIDTH = 330
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))
  const load = async () => {
    app.clean() // what the graph before has shown would stretch nodes of the same numbers
    app.loadApiJson(prompt, name)
    await wait(500)
  }
  const widths = {}
  for (const column of layout.columns)
    for (const group of column.groups) for (const id of group.nodes) widths[id] = column.width ?? WIDTH
  const resize = (node) => {
    const wanted = layout.sizes?.[String(node.id)] ?? []
    const least = node.computeSize()
    node.setSize([wanted[0] ?? widths[String(node.id)] ?? WIDTH, Math.max(wanted[1] ?? 0, least[1])])
  }

  const MISSING = 28 // what a node grows by whose file is not there, or whose folder takes it
  const BADGE = 28 // and one of a pack in Nodes 2.0, for the row with the pack's name, which this page does without
  const tallest = {}
  for (const elements of [true, false]) {
    await app.extensionManager.setting.set('Comfy.VueNodes.Enabled', elements)
    await load()
    app.graph.nodes.forEach(resize)
    await wait(300)
    for (const [id, output] of Object.entries(shown))
      app.api.dispatchCustomEvent('executed', { node: id, display_node: id, output, prompt_id: name })
    await wait(1200)
    for (const node of app.graph.nodes)
      tallest[String(node.id)] = Math.max(
        tallest[String(node.id)] ?? 0,
        node.size[1] + (/Load|Save|Weights/.test(node.type) ? MISSING : 0) + (elements && /^Armature/.test(node.type) ? BADGE : 0),
      )
  }
  await load()
  const graph = app.graph
  const byId = Object.fromEntries(graph.nodes.map((node) => [String(node.id), node]))

  for (const node of graph.nodes) {
    const after = node.widgets?.find((widget) => widget.name === 'control_after_generate')
    if (after) after.value = 'fixed'
  }

  const place = (node, x, y) => {
    node.pos = [x, y + TITLE]
    resize(node)
    return y + TITLE + Math.max(node.size[1], tallest[String(node.id)]) + PAD
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
        y = place(byId[id], x, y)
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
  saved.extra = { workflowRendererVersion: 'LG' } // or one rendering would shrink it
  const exported = (await app.graphToPrompt()).output
  return { graph: saved, exported, size: [x - GAP, bottom] }
}
