"""Maps, poses and pictures that are changed by hand on the desk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.request import urlopen

import numpy as np
import pytest
from armature_pack.preprocessors.pose.example_poses import example_poses
from armature_pack.preprocessors.pose.keypoints import BODY, LEFT_HAND, RIGHT_HAND
from armature_pack.tests.browser.desk_page import choose_graph, file_of, open_desk, queued
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]


@pytest.fixture(scope="module")
def desk(server: RunningServer, browser: Browser) -> Iterator[Page]:
    with open_desk(server, browser) as page:
        yield page


def maps(desk: Page) -> Locator:
    return desk.get_by_role("region", name="Maps")


def show_maps(desk: Page) -> None:
    desk.get_by_role("button", name="Show the maps").click()
    expect(desk.get_by_role("status")).to_contain_text("Maps done")


def pixels(image: Locator) -> np.ndarray:
    """The picture of an <img> as [H,W,3]."""
    address = image.evaluate("one => one.decode().then(() => one.src)")
    with urlopen(address) as answer, Image.open(answer) as picture:
        return np.asarray(picture.convert("RGB"))


def test_a_map_is_drawn_on_and_taken_back(desk: Page) -> None:
    sent = queued(desk)
    show_maps(desk)
    before = pixels(maps(desk).get_by_role("img"))
    desk.get_by_role("button", name="Draw on it: Control map").click()
    window = desk.get_by_role("dialog", name="Control map")
    canvas = window.locator("canvas")
    box = canvas.bounding_box()
    assert box

    def across(start: float, height: float) -> None:
        desk.mouse.move(box["x"] + box["width"] * start, box["y"] + box["height"] * height)
        desk.mouse.down()
        desk.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * height, steps=4)
        desk.mouse.up()

    across(0.1, 0.4)
    across(0.1, 0.7)
    window.get_by_role("button", name="Undo").click()
    window.get_by_role("button", name="Erase").click()
    across(0.6, 0.4)
    window.get_by_role("button", name="Draw").click()
    desk.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8)
    canvas.focus()
    desk.keyboard.press("Space")
    for _ in range(3):
        desk.keyboard.press("Shift+ArrowDown")
    desk.keyboard.press("Space")
    window.get_by_role("button", name="Use it").click()
    drawn = maps(desk).get_by_role("img", name="Control map, drawn by hand")
    expect(drawn).to_be_visible()
    after, (height, width) = pixels(drawn), before.shape[:2]
    assert after.shape == before.shape
    row = after[int(height * 0.4)]
    assert row[int(width * 0.15) : int(width * 0.5)].min() > 250
    assert row[int(width * 0.65) : int(width * 0.85)].max() == 0  # the ground of an edge map
    untouched = np.s_[int(height * 0.6) : int(height * 0.75)]
    assert (after[untouched] == before[untouched]).all()
    assert after[int(height * 0.8) : int(height * 0.88), int(width * 0.5)].min() > 250
    assert {one["class_type"] for one in sent[-1]["prompt"].values()} == {"LoadImage", "PreviewImage"}
    expect(desk.get_by_role("button", name="Draw on it: Control map, drawn by hand")).to_be_focused()
    desk.get_by_role("button", name="As it was").click()
    back = maps(desk).get_by_role("img", name="Control map", exact=True)
    expect(back).to_be_visible()
    assert (pixels(back) == before).all()


def test_a_mask_is_drawn_for_all_that_take_it(desk: Page) -> None:
    sent = queued(desk)
    choose_graph(desk, "inpaint_control")
    show_maps(desk)
    desk.get_by_role("button", name="Draw on it: Mask").click()
    window = desk.get_by_role("dialog", name="Mask")
    window.locator("canvas").click(position={"x": 5, "y": 5})
    window.get_by_role("button", name="Use it").click()
    expect(maps(desk).get_by_role("img", name="Mask, drawn by hand")).to_be_visible()
    assert pixels(maps(desk).get_by_role("img", name="Mask, drawn by hand"))[0, 0].min() > 250
    prompt = sent[-1]["prompt"]
    assert prompt["7"]["inputs"]["mask"] == ["desk_hand_6_0", 0] and "6" not in prompt


def test_points_of_a_pose_move_and_the_map_with_them(desk: Page) -> None:
    sent = queued(desk)
    choose_graph(desk, "pose_face_hands")
    show_maps(desk)
    before = pixels(maps(desk).get_by_role("img", name="Pose map"))
    desk.get_by_role("button", name="Move the points: Pose map").click()
    window = desk.get_by_role("dialog", name="Pose map")
    window.get_by_label("Point", exact=True).select_option(label="left wrist")
    window.locator("canvas").focus()
    for _ in range(4):
        desk.keyboard.press("Shift+ArrowLeft")  # 16 pixels each
    desk.keyboard.press("Control+z")
    window.get_by_role("button", name="Use it").click()
    expect(desk.get_by_role("button", name="As it was: Pose map")).to_be_visible()
    texts = [node["inputs"]["text"] for node in sent[-1]["prompt"].values() if "text" in node["inputs"]]
    moved, first = (frames[0]["people"][0] for frames in (json.loads(texts[0]), example_poses("speaker", 1)))
    for part, point in ((BODY, 7), (LEFT_HAND, 0), (LEFT_HAND, 20)):  # the hand goes with its wrist
        was, now = first[part][3 * point : 3 * point + 2], moved[part][3 * point : 3 * point + 2]
        assert now == pytest.approx([was[0] - 3 * 16, was[1]], abs=0.02), (part, point)
    assert moved[RIGHT_HAND] == pytest.approx(first[RIGHT_HAND], abs=0.02)
    after = pixels(maps(desk).get_by_role("img", name="Pose map"))
    assert after.shape == before.shape and (after != before).any()
    expect(desk.get_by_role("button", name="Move the points: Pose map")).to_be_focused()
    graph = json.loads((PACK / "workflows" / "api" / "pose_face_hands.json").read_text(encoding="utf-8"))
    text = json.dumps({"people": [], "canvas_width": 64, "canvas_height": 48})
    graph["3"] = {"class_type": "ArmaturePosesFromJSON", "inputs": {"text": text}}
    desk.locator("#own-graph").set_input_files(file_of("nobody.json", json.dumps(graph)))
    expect(desk.get_by_role("status")).to_have_text("nobody.json is ready.")
    show_maps(desk)
    desk.get_by_role("button", name="Move the points: Pose map").click()
    expect(desk.get_by_role("status")).to_contain_text("Pose map: nobody was found in it")


def test_a_picture_is_cropped_and_a_large_one_does_not_freeze_the_page(desk: Page, server: RunningServer) -> None:
    choose_graph(desk, "control_signal")
    desk.get_by_role("button", name="Crop or place: Picture").click()
    window = desk.get_by_role("dialog", name="Picture")
    window.get_by_label("Width").fill("200")
    window.get_by_label("Height").fill("100")
    window.get_by_role("button", name="Fill").click()
    window.get_by_role("button", name="Use it").click()
    chosen = desk.locator("#pictures").get_by_label("Picture", exact=True)
    expect(chosen).to_have_value("picture.png")
    with Image.open(server.input_folder / "picture.png") as picture:
        assert picture.size == (200, 100)
    Image.new("RGB", (9000, 6000), "white").save(server.input_folder / "large.png")
    desk.reload()
    expect(desk.get_by_role("status")).to_contain_text("Control signal is ready.")
    chosen.select_option("large.png")
    desk.get_by_role("button", name="Crop or place: Picture").click()
    expect(window.get_by_label("Width")).to_have_value("4096")
    window.get_by_role("button", name="Leave").click()


def test_nothing_that_was_drawn_is_lost(desk: Page) -> None:
    """A mask that is white to its rim: two fingers, keys and mouse at once, Escape, and a server that is away for a while."""
    graph = {
        "1": {
            "class_type": "SolidMask",
            "inputs": {"value": 1.0, "width": 90, "height": 60},
            "_meta": {"title": "Whole"},
        },
        "2": {"class_type": "MaskToImage", "inputs": {"mask": ["1", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }
    desk.locator("#own-graph").set_input_files(file_of("white.json", json.dumps(graph)))
    expect(desk.get_by_role("status")).to_have_text("white.json is ready.")
    show_maps(desk)
    desk.get_by_role("button", name="Draw on it: Whole").click()
    window = desk.get_by_role("dialog", name="Whole")
    canvas = window.locator("canvas")
    box = canvas.bounding_box()
    assert box
    dot = box["width"] / 90

    def at(x: float, y: float) -> dict[str, float]:
        return {"x": box["x"] + x * dot, "y": box["y"] + y * dot}

    window.get_by_role("button", name="Erase").click()
    fingers = desk.context.new_cdp_session(desk)
    for kind, points in (
        ("touchStart", [at(10, 10)]),
        ("touchMove", [at(15, 10)]),
        ("touchStart", [at(15, 10), at(80, 50)]),
        ("touchMove", [at(20, 10), at(80, 40)]),
        ("touchEnd", []),
    ):
        touches = [{**point, "id": number} for number, point in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    desk.mouse.move(10 * dot + box["x"], 30 * dot + box["y"])
    canvas.focus()
    desk.keyboard.press("Space")
    desk.keyboard.press("Shift+ArrowRight")
    canvas.click(position={"x": 60 * dot, "y": 30 * dot})  # while the keyboard's stroke is not lifted
    desk.mouse.move(30 * dot + box["x"], 50 * dot + box["y"])
    desk.mouse.down()
    desk.mouse.move(60 * dot + box["x"], 50 * dot + box["y"])
    desk.keyboard.press("Escape")
    desk.mouse.up()
    expect(window).to_be_visible()

    desk.route("**/api/upload/image", lambda route: route.fulfill(status=400, body="<html>"))
    window.get_by_role("button", name="Use it").click()
    expect(window.get_by_role("alert")).to_contain_text("upload/image")
    desk.unroute("**/api/upload/image")
    window.get_by_role("button", name="Use it").click()
    drawn = maps(desk).get_by_role("img", name="Whole, drawn by hand")
    expect(drawn).to_be_visible()
    after = pixels(drawn)[:, :, 0]
    assert after.shape == (60, 90)
    assert after[10, 10:20].max() == after[30, 10] == 0 and after[29:31, 59:61].min() < 100  # taken out of the mask
    assert after[20:26].min() == after[35:].min() == 255  # not between the fingers, nor what Escape took back
    expect(window).to_have_count(0)

    desk.get_by_role("button", name="Start over").click()
    desk.get_by_role("button", name="Draw on it: Whole, drawn by hand").click()
    expect(desk.get_by_role("status")).to_contain_text("not in the graph any more. Press “Show the maps”.")


def test_pictures_of_any_shape_are_cropped(desk: Page, server: RunningServer) -> None:
    for name, size in (("tiny.png", (3, 2)), ("thread.png", (1, 5000))):
        Image.new("RGB", size, "red").save(server.input_folder / name)
    choose_graph(desk, "control_signal")
    desk.reload()
    expect(desk.get_by_role("status")).to_contain_text("Control signal is ready.")
    chosen = desk.locator("#pictures").get_by_label("Picture", exact=True)
    window = desk.get_by_role("dialog", name="Picture")

    def crop(name: str) -> None:
        chosen.select_option(name)
        desk.get_by_role("button", name="Crop or place: Picture").click()

    crop("thread.png")
    expect(window.get_by_label("Height")).to_have_value("4096")
    window.get_by_role("button", name="Leave").click()
    crop("tiny.png")
    window.get_by_label("Height").fill("1.5")
    window.get_by_role("button", name="Use it").click()
    expect(window.get_by_role("alert")).to_have_text("Height: give a number from 2 to 4096, without a fraction.")
    window.get_by_label("Height").fill("20")
    window.get_by_role("button", name="Use it").click()
    expect(desk.get_by_role("status")).to_contain_text("takes the picture's place")
    with Image.open(server.input_folder / chosen.input_value()) as picture:
        seen = np.asarray(picture.convert("RGB"))
    assert seen.shape == (20, 3, 3)
    assert (seen[9:11] == (255, 0, 0)).all() and (seen[:9] == 0).all() and (seen[11:] == 0).all()
