"""What an example graph shows in its picture: whatever needs no model file but the demo's, nor hours, runs before it is taken."""

from collections.abc import Mapping
from typing import Any

from ..models.demo import is_demo_file

Prompt = dict[str, dict[str, Any]]
TRAIN = frozenset({"ArmatureTrainControlNeXt", "ArmatureTrainIPAdapter", "TrainLoraNode"})

# What the server has kept from the graph before would be shown by that graph's nodes.
RUN = """async (prompt) => {
  const headers = { 'Content-Type': 'application/json' }
  await app.api.fetchApi('/free', { method: 'POST', headers, body: JSON.stringify({ free_memory: true }) })
  await new Promise((done) => setTimeout(done, 700))
  const ended = {} // by the run's id: a run that was left alone ends too
  for (const event of ['execution_success', 'execution_error', 'execution_interrupted'])
    app.api.addEventListener(event, ({ type, detail }) => { ended[detail.prompt_id] = type })
  const { prompt_id } = await app.api.queuePrompt(0, { output: prompt, workflow: app.graph.serialize() })
  const last = Date.now() + 1_800_000
  while (!ended[prompt_id] && Date.now() < last) await new Promise((done) => setTimeout(done, 200))
  const how = ended[prompt_id] ?? 'not done in 30 minutes'
  if (how !== 'execution_success') throw new Error(`the run of this graph: ${how}`)
  await new Promise((done) => setTimeout(done, 2500)) // the progress shown above the canvas fades
}"""


def without_models(prompt: Prompt, file_inputs: Mapping[str, Any]) -> Prompt:
    """The part of an API prompt that names no file but the demo's and trains nothing, and needs nothing that does."""
    needs: dict[str, bool] = {}

    def needs_file(number: str) -> bool:
        if number not in needs:
            inputs = prompt[number]["inputs"]
            links = [value[0] for value in inputs.values() if isinstance(value, list)]
            files = [inputs[name] for name in file_inputs if name in inputs]
            trains = prompt[number]["class_type"] in TRAIN
            needs[number] = trains or not all(map(is_demo_file, files)) or any(map(needs_file, links))
        return needs[number]

    return {number: node for number, node in prompt.items() if not needs_file(number)}


def with_previews(prompt: Prompt, object_info: Mapping[str, Any]) -> Prompt:
    """The prompt with a preview behind each node that gives a picture, so that the server runs it."""
    pictures = [n for n, node in prompt.items() if object_info[node["class_type"]]["output"][:1] == ["IMAGE"]]
    sinks = {
        f"{1000 + int(number)}": {"class_type": "PreviewImage", "inputs": {"images": [number, 0]}}
        for number in pictures
    }
    return prompt | sinks if pictures else {}


def show_maps(page: Any, prompt: Prompt, file_inputs: Mapping[str, Any]) -> None:
    """Run that part in the front end that `page` shows, so that its nodes show their pictures."""
    part = without_models(prompt, file_inputs)
    runnable = with_previews(part, page.evaluate("app.api.fetchApi('/object_info').then(answer => answer.json())"))
    if runnable:
        page.evaluate(RUN, runnable)
