"""Opening ComfyUI's front end in a page, ready for use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from playwright.sync_api import Page

START_TIMEOUT = 120_000  # milliseconds; the front end is 600 files, on a slow machine with a cold cache
READY = """
!!(window.app?.vueAppReady && window.app.extensionManager?.workflow?.activeWorkflow
   && window.LiteGraph?.registered_node_types?.ArmatureControlMap)
"""


# A first start, and the first sight of an app, would greet the new user with a dialog over the canvas.
SEEN = {"Comfy.TutorialCompleted": True, "Comfy.OnboardingCoachmarks.Seen": ["appMode", "firstRun"]}
VUE_NODES = "Comfy.VueNodes.Enabled"  # the setting that draws nodes as elements of the page, "Nodes 2.0"
RUN = """async () => {
  const outputs = {}
  const keep = ({ detail }) => { outputs[detail.display_node ?? detail.node] = detail.output }
  app.api.addEventListener('executed', keep)
  const ended = new Promise((done) => {
    for (const event of ['execution_success', 'execution_error', 'execution_interrupted'])
      app.api.addEventListener(event, ({ type, detail }) => done([type, detail]), { once: true })
  })
  await app.queuePrompt(0)
  const [type, detail] = await Promise.race([ended, new Promise((done) => setTimeout(() => done(['timeout']), 100_000))])
  app.api.removeEventListener('executed', keep)
  await new Promise((done) => setTimeout(done, 500)) // what the nodes show is laid out
  if (type !== 'execution_success') throw new Error(`${type}: ${JSON.stringify(detail)}`)
  return outputs
}"""


def run_open_graph(page: Page) -> dict[str, Any]:
    """Run the graph that the editor shows, as its button does; what each node sent to be shown, by its id."""
    outputs: dict[str, Any] = page.evaluate(RUN)
    return outputs


def open_front_end(page: Page, address: str, settings: Mapping[str, Any] | None = None) -> Page:
    """Go to a server and wait for its editor, on an empty graph. settings: of the editor, beside those that tests need."""
    page.request.post(f"{address}/api/settings", data={**SEEN, **(settings or {})})
    page.goto(address)
    page.wait_for_function(READY, timeout=START_TIMEOUT)
    page.evaluate("app.graph.clear()")
    return page
