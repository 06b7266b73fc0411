"""How fast the desk is there, how smoothly 1,000 rows of its history move, and how long other requests wait beside its own.

Run it:  python armature.py test tests/bench/bench_desk.py -s
"""

from __future__ import annotations

import statistics
import threading
import time
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from armature_pack.runs.history.project import Projects
from armature_pack.tests.browser.conftest import browser  # noqa: F401  (a fixture)
from armature_pack.tests.runs.history.test_history import add
from armature_pack.tests.server_fixture import RunningServer
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.bench, pytest.mark.browser, pytest.mark.host]

OPENINGS, ROWS, PROJECT = 9, 1000, "Many"
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
SCROLL = """async () => {
  const list = document.getElementById('rows')
  const box = [...document.querySelectorAll('*')].find((one) => one.contains(list) && one.scrollHeight > one.clientHeight + 100
    && ['auto', 'scroll'].includes(getComputedStyle(one).overflowY)) ?? document.scrollingElement
  const frames = []
  let last = await new Promise(requestAnimationFrame)
  for (let step = 0; step < 240; step++) {
    box.scrollTop += 150
    const now = await new Promise(requestAnimationFrame)
    frames.push(now - last)
    last = now
  }
  return { frames, moved: box.scrollTop }
}"""


@pytest.fixture(scope="module")
def many(server: RunningServer) -> RunningServer:
    """The server with a project of so many runs."""
    project = Projects(server.input_folder.parent / "user" / "armature" / "projects").project(PROJECT)
    for number in range(ROWS):
        add(project, number)
    return server


def told(name: str, values: list[float], unit: str = "ms") -> str:
    ordered = sorted(values)
    return (
        f"{name}: median {statistics.median(ordered):.0f}, 95 % {ordered[int(0.95 * (len(ordered) - 1))]:.0f}, "
        f"worst {ordered[-1]:.0f} {unit} of {len(ordered)}"
    )


def painted(browser: Browser, address: str) -> float:  # noqa: F811
    """Milliseconds from the beginning of the navigation to the first paint, with nothing cached."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.goto(address)
    page.wait_for_function(PAINT)
    found: float = page.evaluate(PAINT)
    page.close()
    return found


def opened(browser: Browser, server: RunningServer) -> Page:  # noqa: F811
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    page.goto(f"{server.address}/armature#control_signal")
    expect(page.get_by_role("status")).to_contain_text("is ready.")
    return page


def test_first_paint_and_rows(many: RunningServer, browser: Browser, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    opened(browser, many).close()
    paints: dict[str, list[float]] = {"the desk": [], "two words of JSON": []}
    for _ in range(OPENINGS):
        for values, path in zip(paints.values(), ("/armature#control_signal", "/queue"), strict=True):
            values.append(painted(browser, many.address + path))
    page = opened(browser, many)
    page.get_by_label("Project", exact=True).fill(PROJECT)
    page.get_by_label("Project", exact=True).press("Tab")
    expect(page.get_by_role("region", name="History")).to_contain_text(f"History · {ROWS}")
    page.wait_for_timeout(1000)
    found = page.evaluate(SCROLL)
    page.close()
    with capsys.disabled():
        print()
        for name, values in paints.items():
            print(told(f"first paint of {name}, nothing cached", values))
        print(f"{told(f'a frame while {ROWS} rows scroll', found['frames'])}; {found['moved']:.0f} pixels")
    assert found["moved"] > 1000


@pytest.mark.parametrize(
    "path",
    [
        "/armature",
        f"/armature/history?{urlencode({'project': PROJECT})}",
        f"/armature/history/export?{urlencode({'project': PROJECT})}",
        "/armature/presets",
    ],
)
def test_what_other_requests_wait(many: RunningServer, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Beside five of a kind, one behind the other: the loop, and the interpreter's lock too."""
    alone, beside = [waited(many) for _ in range(60)], []
    stop = threading.Event()

    def ping() -> None:
        while not stop.is_set():
            beside.append(waited(many))

    watcher = threading.Thread(target=ping)
    watcher.start()
    for _ in range(5):
        with urlopen(f"{many.address}{path}", timeout=300) as answer:
            answer.read()
    stop.set()
    watcher.join()
    with capsys.disabled():
        print(f"\n{path}\n  {told('alone', alone)}\n  {told('beside', beside)}")


def waited(server: RunningServer) -> float:
    start = time.perf_counter()
    with urlopen(f"{server.address}/queue", timeout=300) as answer:
        answer.read()
    return 1000 * (time.perf_counter() - start)
