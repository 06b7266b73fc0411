"""What the tests fetch into the cache is made once, also when several test processes want it at the same time."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import real_weights


def test_two_at_once_make_it_once(tmp_path, monkeypatch):
    monkeypatch.setattr(real_weights, "folder", lambda: tmp_path)
    left_behind = tmp_path / ".weights.draft"
    left_behind.mkdir()
    (left_behind / "half").touch()
    made: list[Path] = []

    def make(draft: Path) -> None:
        made.append(draft)
        draft.mkdir()
        time.sleep(0.3)
        (draft / "file").touch()

    runs = [threading.Thread(target=real_weights.once, args=("weights", make)) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join(120)
    assert len(made) == 1
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["file"]
