"""What the node and the routes call: checks of the host's own graphs and files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...common.digests import sha256_of_json
from ...common.graph_files import unwrapped
from ...common.short_text_cache import short_text_cache
from ..files.index import ModelFile, ModelIndex
from ..host import host_nodes, running_prompt
from .check_prompt import POLICIES, check_prompt
from .facts import Facts
from .node_types import NodeTypes, described
from .prompt import PromptError, read_prompt
from .repair import repair
from .report import Report, change_json
from .sheet import add_entries, check_adherence, entries_of, read_sheets
from .ui_graph import is_ui_graph, to_prompt

# The running host: its model folders, the types of its nodes, and the prompt that runs now.

_NO_MODELS = frozenset({"custom_nodes", "datasets", "configs", "diffusers", "classifiers"})


def host_index() -> ModelIndex:
    """The index of the host's model folders."""
    import folder_paths

    folders: dict[str, list[str]] = {
        name: list(entry[0]) for name, entry in folder_paths.folder_names_and_paths.items() if name not in _NO_MODELS
    }
    folders.setdefault("ipadapter", [str(Path(folder_paths.models_dir) / "ipadapter")])
    return ModelIndex(folders)


def sheet_paths() -> list[Path]:
    """Where the team's sheet may lie: in the models folder, and in the user's folder."""
    import folder_paths

    return [Path(folder_paths.models_dir) / "armature.json", Path(folder_paths.get_user_directory()) / "armature.json"]


@short_text_cache
def host_types(class_type: str) -> NodeTypes | None:
    """The types of one of the nodes that the host has loaded; None when it has none of that name."""
    return described(class_type, node_info(class_type))


def node_info(class_type: str) -> Mapping[str, Any] | None:
    """The inputs and outputs of a loaded node in the form of /object_info."""
    node = host_nodes().NODE_CLASS_MAPPINGS.get(class_type)
    if node is None:
        return None
    try:
        inputs = node.INPUT_TYPES()
        return {"input": inputs, "output": list(node.RETURN_TYPES)}
    except Exception:  # the code of any other pack runs here, and a broken one must not end the check
        return None


MODELS_SCHEMA = "armature.models/1"


def checked_graph(prompt: Mapping[str, Any] | None, policy: str) -> Report:
    """The report on a graph that is about to run.

    Raises ValueError, with the report, when the policy says that the graph must not run.
    """
    if policy not in POLICIES:
        raise ValueError(f"Compatibility Check, input policy: '{policy}' is none of {', '.join(POLICIES)}.")
    report = check_host_prompt(prompt or {}, policy)
    if policy != "report" and not report.ok:
        raise ValueError(report.as_text())
    return report


def check_host_prompt(data: Any, policy: str = "report") -> Report:
    """Check a prompt against the host's folders and nodes. Raises PromptError for what is no prompt."""
    return check_prompt(data, host_index(), host_types, policy, read_sheets(sheet_paths()))


def fingerprint(policy: str) -> float | str:
    """A value that changes with the report on the graph that runs now; NaN (never cached) when that cannot be told.

    A hash of the prompt would sample everything behind the check again after every edit, and no fingerprint at all would
    show an old report.
    """
    prompt = running_prompt()
    if prompt is None:
        return float("nan")
    try:
        report = check_host_prompt(prompt, policy)
    except PromptError:
        return float("nan")
    return sha256_of_json(report.as_json())


def answer(body: Any) -> dict[str, Any]:
    """The answer of POST /armature/compatibility: the report, and with `fix` the repaired prompt beside it.

    body: an API prompt, or an object with `prompt` or `workflow` (a graph as the front end saves it), `policy` and `fix`.
    Raises PromptError for anything else.
    """
    options = body if isinstance(body, Mapping) and ("prompt" in body or "workflow" in body) else {"prompt": body}
    policy = options.get("policy", "report")
    if policy not in POLICIES:
        raise PromptError(f"policy is {policy!r}; it must be one of {', '.join(POLICIES)}.")
    prompt = unwrapped(options.get("prompt", options.get("workflow")))
    if is_ui_graph(prompt):
        prompt = to_prompt(prompt, host_types, whole=options.get("fix") is True)
    report = check_host_prompt(prompt, policy)
    result = report.as_json()
    if options.get("fix") is True:
        repaired = repair(prompt, report.findings)
        result["prompt"] = repaired.prompt
        result["changes"] = [change_json(change) for change in repaired.changes]
    return result


def record_verdict(body: Any) -> dict[str, Any]:
    """The answer of POST /armature/sheet: adds the combinations of a graph to the sheet in the user's folder.

    body: `prompt`, `verdict` (validated or refused), and if wanted `note` and `adherence`. Raises ValueError.
    """
    if not isinstance(body, Mapping) or body.get("verdict") not in ("validated", "refused"):
        raise PromptError("The body must hold a prompt and a verdict, validated or refused.")
    adherence, note = body.get("adherence"), str(body.get("note", ""))
    check_adherence(adherence)
    facts = Facts(read_prompt(body.get("prompt")), host_index(), host_types)
    entries = entries_of(facts, body["verdict"], note, adherence)
    target = next((path for path in sheet_paths() if path.is_file()), sheet_paths()[-1])
    add_entries(target, entries)
    return {"sheet": str(target), "recorded": [str(entry.combination) for entry in entries]}


def models_table(folder: str | None = None) -> dict[str, Any]:
    """The answer of GET /armature/models. Raises ValueError for a folder that the host does not have."""
    index = host_index()
    if folder is not None and folder not in index.folders:
        raise ValueError(f"There is no model folder '{folder}'. The folders are: {', '.join(sorted(index.folders))}.")
    files = index.files(None if folder is None else [folder])
    return {"schema": MODELS_SCHEMA, "files": [_row(file) for file in files]}


def _row(file: ModelFile) -> dict[str, Any]:
    identity = file.identity
    return {
        "folder": file.folder,
        "name": file.name,
        "bytes": file.size,
        "kind": identity.kind if identity else "",
        "title": identity.title if identity else "",
        "families": list(identity.families) if identity else [],
        "layout": identity.layout if identity else "",
        "ambiguity": identity.ambiguity if identity else "",
        "evidence": list(identity.evidence) if identity else [],
        "belongs_into": file.misplaced,
        "problem": file.problem,
    }
