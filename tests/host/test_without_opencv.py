"""A host without OpenCV: the pack loads, and Canny runs through the host's own function and says so."""

from __future__ import annotations

import pytest
from armature_pack.commands.private_host.server import start_server
from armature_pack.runs.api import run_blocking
from armature_pack.tests.server_fixture import ONE_THREAD, PACK, find_host

pytestmark = pytest.mark.host

CANNY_OF_A_PICTURE = {
    "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0xFFFFFF}},
    "2": {
        "class_type": "ImagePadForOutpaint",
        "inputs": {"image": ["1", 0], "left": 16, "top": 16, "right": 16, "bottom": 16, "feathering": 0},
    },
    "3": {"class_type": "ArmatureControlMap", "inputs": {"image": ["2", 0], "method": "canny"}},
    "4": {"class_type": "PreviewAny", "inputs": {"source": ["3", 1]}},
}


def test_canny_falls_back_and_the_report_says_so(tmp_path):
    blocker = tmp_path / "blocker"
    blocker.mkdir()
    (blocker / "cv2.py").write_text("raise ImportError('this host has no OpenCV')\n", encoding="utf-8")
    environment = ONE_THREAD | {"PYTHONPATH": str(blocker)}
    with start_server(find_host(), pack=PACK, base_directory=tmp_path / "base", environment=environment) as server:
        (report,) = run_blocking(server.address, CANNY_OF_A_PICTURE, timeout=120).texts("4")
    assert "OpenCV is not installed" in report and "1 map of 96x96" in report and "blank" not in report
