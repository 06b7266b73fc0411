"""The compatibility check as a node: it reads the whole graph that runs, so it needs no links."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, io

POLICIES = ("report", "error", "validated_only")


class ArmatureCompatibilityCheck(io.ComfyNode):
    """Whether the files of the graph belong together, before any of them is loaded."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureCompatibilityCheck",
            display_name="Compatibility Check",
            category="Armature/check",
            description=(
                "Looks at the headers of all model files in this graph and says which do not belong together, before "
                "anything is loaded. It needs no links. Run this branch alone does not run it."
            ),
            search_aliases=[
                "compatibility",
                "mat1 and mat2",
                "model mismatch",
                "check models",
                "validate workflow",
                "controlnet has no effect",
            ],
            inputs=[
                io.Combo.Input(
                    "policy",
                    options=list(POLICIES),
                    default="report",
                    optional=True,
                    tooltip=(
                        "report: say what does not fit and go on; error: stop before anything is loaded when something "
                        "cannot work; validated_only: stop also for combinations that your team's armature.json does not "
                        "hold as validated."
                    ),
                )
            ],
            outputs=[
                io.String.Output("report", tooltip="What was found, in words."),
                io.Boolean.Output("ok", tooltip="Whether nothing was found that cannot work."),
            ],
            hidden=[io.Hidden.prompt],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, policy: Any = None) -> Any:
        from ..models.compatibility.endpoints import fingerprint

        return fingerprint(policy or "report")

    @classmethod
    def execute(cls, policy: Any = None) -> io.NodeOutput:
        from ..models.compatibility.endpoints import checked_graph

        report = checked_graph(cls.hidden.prompt, policy or "report")
        text = report.as_text()
        return io.NodeOutput(text, report.ok, ui={"text": (text,), "armature_report": (report.as_json(),)})
