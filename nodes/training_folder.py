"""Sets of pictures to train on."""

from __future__ import annotations

from typing import Any

from ..preprocessors.entry import Preprocessor
from .api import SHOWS, TrainingSetType, io
from .preprocessors import METHODS, option_input
from .shown import shown

CATEGORY = "Armature/training"
# Those that make one map of one picture, and of nothing else.
_METHODS = {entry.method: entry for entry in METHODS if entry.mask != "needed" and entry.sees == "frames"}


class ArmatureTrainingFolder(io.ComfyNode):
    """A folder of pictures as a set to train on."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.training.from_folder import folder_names
        from ..models.training.training_set import CAPTIONS, FROM_FOLDER, LARGEST, NONE, SMALLEST

        return io.Schema(
            **SHOWS,
            node_id="ArmatureTrainingFolder",
            display_name="Training Folder",
            category=CATEGORY,
            description=(
                "Makes a training set of a folder: pictures, their captions, and maps that lie beside them or are made by a "
                "method. Says what is wrong with it before hours are spent."
            ),
            search_aliases=["dataset", "training data", "load image text dataset", "kohya folder", "metadata.jsonl"],
            inputs=[
                io.Combo.Input(
                    "folder",
                    options=folder_names(),
                    tooltip="A folder inside the input folder that holds pictures, at any depth.",
                ),
                io.Int.Input(
                    "size",
                    default=512,
                    min=SMALLEST,
                    max=LARGEST,
                    step=64,
                    optional=True,
                    tooltip="Pictures are learned at about the area of a square of this side, each near its own aspect.",
                ),
                io.Combo.Input(
                    "captions",
                    options=list(CAPTIONS),
                    default=CAPTIONS[0],
                    optional=True,
                    tooltip=(
                        "from files: 0001.txt beside 0001.png, metadata.jsonl, or the folder's name (10_cat); one for all: the "
                        "caption below; empty: none."
                    ),
                ),
                io.String.Input(
                    "caption", default="", optional=True, tooltip="What all pictures show, for one for all."
                ),
                io.DynamicCombo.Input(
                    "map",
                    options=[
                        io.DynamicCombo.Option(FROM_FOLDER, []),
                        io.DynamicCombo.Option(NONE, []),
                        *(
                            io.DynamicCombo.Option(entry.method, [option_input(one) for one in entry.options])
                            for entry in _METHODS.values()
                        ),
                    ],
                    optional=True,
                    tooltip=(
                        "The map of each picture. from folder: maps/0001.png for 0001.png; none: for training without maps; or "
                        "a method, which makes each map once."
                    ),
                ),
            ],
            outputs=[
                TrainingSetType.Output("set", display_name="set", tooltip="To a node that trains."),
                io.Image.Output(
                    "preview",
                    display_name="preview",
                    tooltip="Some of the pictures beside their maps, as they are learned.",
                ),
                io.String.Output(
                    "report", display_name="report", tooltip="What the set holds, and what to mend in it."
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, folder: Any = None, **_others: Any) -> Any:
        from ..models.training.from_folder import fingerprint

        return fingerprint(folder)

    @classmethod
    def execute(
        cls,
        folder: str,
        size: int | None = None,
        captions: str | None = None,
        caption: str | None = None,
        map: Any = None,
    ) -> io.NodeOutput:
        from ..models.training.from_folder import set_of_folder
        from ..models.training.training_set import FROM_FILES, FROM_FOLDER, Wanted

        options = dict(map) if isinstance(map, dict) else {"map": map}
        entry, maps = _chosen(options.pop("map", None) or FROM_FOLDER)
        wanted = Wanted(size or 512, captions or FROM_FILES, caption or "", maps, entry, options)
        made = set_of_folder(folder, wanted)
        return io.NodeOutput(made.set, made.sheet, made.report, ui=shown(made.report, made.sheet, cls))


def _chosen(choice: Any) -> tuple[Preprocessor | None, str]:
    """The method that makes the maps, or where they come from without one."""
    from ..models.training.training_set import FROM_FOLDER, NONE
    from ..preprocessors.images.checks import check_choice

    check_choice("Training Folder, input map", choice, (FROM_FOLDER, NONE, *_METHODS))
    entry = _METHODS.get(choice)
    return entry, NONE if entry else choice
