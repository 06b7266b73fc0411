"""The shipped example pictures as a node, so that the example graphs run as they are."""

from __future__ import annotations

from .api import io


class ArmatureExamplePicture(io.ComfyNode):
    """A picture, or a set of pictures, that comes with the pack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..preprocessors.images.example_pictures import NAMES

        return io.Schema(
            node_id="ArmatureExamplePicture",
            display_name="Example Picture",
            category="Armature/pictures",
            description="A picture that comes with Armature. Put Load Image in its place to use your own.",
            search_aliases=["example image", "sample picture", "test image", "load image", "example folder"],
            inputs=[
                io.Combo.Input(
                    "name",
                    options=list(NAMES),
                    default=NAMES[0],
                    optional=True,
                    tooltip=(
                        "Which of the shipped pictures. floor_plans, still_lifes, product and mood_board are sets: all in one "
                        "batch."
                    ),
                )
            ],
            outputs=[io.Image.Output("image", display_name="image", tooltip="The picture, or the set as a batch.")],
        )

    @classmethod
    def execute(cls, name: str = "coffee") -> io.NodeOutput:
        from ..preprocessors.images.example_pictures import example_picture

        return io.NodeOutput(example_picture(name))
