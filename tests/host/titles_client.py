"""A program for the Python of the registry's tools: runs a graph with comfy-api-simplified, which knows nodes by title.

Arguments: the server's address, the API graph, the title of the node that saves, a JSON object of "title": {input: value},
and the folder for the pictures, or for the text of a node that shows one.
"""

import asyncio
import json
import sys
from pathlib import Path

from comfy_api_simplified import ComfyApiWrapper, ComfyWorkflowWrapper


def main(address: str, graph: str, output: str, changes: str, folder: str) -> None:
    """Change, run, save."""
    workflow = ComfyWorkflowWrapper(graph)
    for title, inputs in json.loads(changes).items():
        for name, value in inputs.items():
            workflow.set_node_param(title, name, value)
    client = ComfyApiWrapper(address)
    if output.startswith("Save"):
        for name, content in client.queue_and_wait_images(workflow, output).items():
            Path(folder, name).write_bytes(content)
        return
    prompt_id, _previews = asyncio.run(client.queue_prompt_and_wait(workflow))
    (text,) = client.get_history(prompt_id)[prompt_id]["outputs"][workflow.get_node_id(output)]["text"]
    Path(folder, "text.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
