// Runs in ComfyUI's front end: makes a subgraph of an API prompt, exposes inputs and outputs, and returns what the front
// end would publish as a blueprint.
async ({ prompt, inputs, outputs, name }) => {
  const GAP = 60
  const spoken = (label) =>
    label.replaceAll('_', ' ').replace('ip adapter', 'IP-Adapter').replace('lora', 'LoRA').replace('clip vision', 'CLIP Vision')
  app.graph.clear()
  app.loadApiJson(prompt, name)
  await new Promise((done) => setTimeout(done, 500))
  const graph = app.graph
  const find = (nodes, id) => nodes.find((node) => node.armatureId === String(id))
  for (const node of graph.nodes) {
    const after = node.widgets?.find((widget) => widget.name === 'control_after_generate')
    if (after) after.value = 'fixed'
    node.setSize([Math.max(300, node.size[0]), node.computeSize()[1]])
  }
  graph.arrange(GAP)

  const ids = Object.fromEntries(graph.nodes.map((node) => [node.title + node.type, String(node.id)]))
  const { subgraph, node } = graph.convertToSubgraph(new Set(graph.nodes))
  // The front end exposes some inputs by itself, texts for example, a moment later.
  await new Promise((done) => setTimeout(done, 500))
  for (const one of [...subgraph.inputs]) subgraph.removeInput(one)
  for (const one of [...subgraph.outputs]) subgraph.removeOutput(one)
  for (const one of subgraph.nodes) one.armatureId = ids[one.title + one.type]

  for (const [label, targets] of inputs) {
    let added = null
    for (const [id, input] of targets) {
      const target = find(subgraph.nodes, id)
      const slot = target?.inputs.find((one) => one.name === input)
      if (!slot) throw new Error(`${name}: node ${id} has no input ${input}`)
      added ??= subgraph.addInput(label, slot.type)
      added.connect(slot, target)
    }
    subgraph.renameInput(added, spoken(label))
  }
  for (const [label, id, slot] of outputs) {
    const source = find(subgraph.nodes, id)
    if (!source?.outputs[slot]) throw new Error(`${name}: node ${id} has no output ${slot}`)
    const added = subgraph.addOutput(label, source.outputs[slot].type)
    added.connect(source.outputs[slot], source)
    subgraph.renameOutput(added, spoken(label))
  }

  const places = subgraph.nodes.map((one) => [one.pos[0], one.pos[1], one.pos[0] + one.size[0]])
  const left = Math.min(...places.map((one) => one[0]))
  const top = Math.min(...places.map((one) => one[1]))
  const right = Math.max(...places.map((one) => one[2]))
  subgraph.inputNode.pos = [left - 260, top]
  subgraph.outputNode.pos = [right + 100, top]
  subgraph.name = name
  node.title = name
  node.pos = [0, 0]
  node.setSize([400, node.computeSize()[1]])
  // As the front end's own command Publish Subgraph does it.
  const { nodes, subgraphs } = app.canvas._serializeItems([node])
  return { nodes, subgraphs }
}
