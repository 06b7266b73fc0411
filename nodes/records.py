"""Saving pictures with a record of what made them."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, ControlStackType, io, ui


class ArmatureSaveRecord(io.ComfyNode):
    """Save Image, and beside the picture everything that is needed to explain it and to make it again."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureSaveRecord",
            display_name="Save Record",
            category="Armature/records",
            description=(
                "Saves pictures as Save Image does, and beside them a folder with the record: graph, seeds, model files with "
                "their sha256, versions, signals and control images. armature.py replay makes the picture again from it."
            ),
            search_aliases=["save image", "job record", "provenance", "metadata", "reproduce", "audit"],
            inputs=[
                io.Image.Input("images", tooltip="The pictures to save; they share one record."),
                io.String.Input(
                    "filename_prefix",
                    default="armature/record",
                    optional=True,
                    tooltip="Name in the output folder, as in Save Image; folders and %date:…% are allowed.",
                ),
                ControlStackType.Input(
                    "control_stack",
                    optional=True,
                    tooltip="The stack that was applied: its signals and control images go into the record.",
                ),
                io.Autogrow.Input(
                    "reports",
                    template=io.Autogrow.TemplatePrefix(
                        io.String.Input("report", optional=True, force_input=True, tooltip="A report of another node."),
                        prefix="report_",
                        min=0,
                        max=8,
                    ),
                    optional=True,
                    tooltip="Reports that belong into the record: of the compatibility check, of LoRA stacks, of Control Map.",
                ),
            ],
            outputs=[io.Image.Output("images", display_name="images", tooltip="The pictures, unchanged.")],
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **_values: Any) -> str:
        """Never the reason to run again: the host asks at the beginning of a run, and the record's times count from here."""
        from ..runs.record.host_facts import note_start

        note_start()
        return ""

    @classmethod
    def execute(
        cls,
        images: Any,
        filename_prefix: str | None = None,
        control_stack: Any = None,
        reports: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ..models.control.job_facts import stack_facts
        from ..models.control.stack import check_stack
        from ..runs.record.host_facts import HostFacts
        from ..runs.record.saving import Job, save

        height, width = images.shape[1:3]
        signals = (
            [] if control_stack is None else stack_facts(check_stack(control_stack, "control_stack"), height, width)
        )
        told = [str(report) for report in (reports or {}).values() if report]
        hidden = cls.hidden
        job = Job(str(hidden.unique_id), hidden.prompt or {}, hidden.extra_pnginfo or {}, signals, told)
        saved = save(images, filename_prefix or "armature/record", job, HostFacts())
        results = [ui.SavedResult(one["filename"], one["subfolder"], io.FolderType.output) for one in saved]
        folders = sorted({one["subfolder"] for one in saved})
        count = f"{len(saved)} picture{'s' if len(saved) > 1 else ''}"
        told = f"Saved {count}, with the record beside, in output/{', '.join(folders)}."
        return io.NodeOutput(images, ui={**ui.SavedImages(results).as_dict(), "text": (told,)})
