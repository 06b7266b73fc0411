"""What lies between two runs of a project, in words."""

from typing import Any

from ..record.compare import differences, picture_differences
from .project import Project


def compare(project: Project, first: str, second: str) -> dict[str, Any]:
    """`settings`: a line for each thing that was set otherwise; `pictures`: one for each picture that came out otherwise.

    Raises HistoryError and RecordError.
    """
    one, other = project.read(first), project.read(second)
    return {"settings": differences(one.data, other.data), "pictures": picture_differences(one, other)}
