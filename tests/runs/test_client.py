"""The client against the real server."""

import asyncio
import io
from pathlib import Path

import pytest
from armature_pack.runs.api import run_blocking, use_client
from armature_pack.runs.client import Client
from armature_pack.runs.errors import PromptRefused, RunFailed, RunInterrupted, RunLost, RunTimedOut, UnexpectedAnswer
from armature_pack.runs.events import Cached, Event, Executing, Failed, Finished, Progress, Queued
from armature_pack.runs.results import Picture
from armature_pack.tests.runs.prompts import grey_picture, loaded_picture, sampling, shown_text
from armature_pack.tests.server_fixture import RunningServer
from PIL import Image

pytestmark = pytest.mark.host


def png(color: tuple[int, int, int]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (5, 3), color).save(buffer, "PNG")
    return buffer.getvalue()


def test_describes_the_server_and_its_nodes(server: RunningServer) -> None:
    async def work(client: Client) -> None:
        assert "comfyui_version" in (await client.system_stats())["system"]
        assert set(await client.object_info("EmptyImage")) == {"EmptyImage"}
        assert await client.object_info("No such node") == {}

    use_client(server.address, work)
    assert "EmptyImage" in server.object_info


def test_a_run_gives_its_pictures_and_texts(server: RunningServer) -> None:
    async def work(client: Client) -> None:
        result = await client.run(grey_picture(color=0xFF8000))
        (picture,) = result.images("2")
        pixels = Image.open(io.BytesIO(await client.fetch(picture)))
        assert pixels.size == (16, 16)
        assert pixels.getpixel((0, 0)) == (255, 128, 0)
        assert result.images("1") == ()
        assert result.seconds is not None
        assert result.left_out == ()

    use_client(server.address, work)
    result = run_blocking(server.address, shown_text("twelve"))
    assert result.texts("2") == ("twelve",)


def test_events_come_in_order(server: RunningServer) -> None:
    events: list[Event] = []
    prompt = sampling(server.model("sd15_checkpoint"), steps=4, seed=11)
    result = run_blocking(server.address, prompt, on_event=events.append)

    assert isinstance(events[0], Queued)
    assert isinstance(events[1], Cached)
    assert events[-1] == Finished(result)
    executed = [event.node for event in events if isinstance(event, Executing)]
    assert executed.index("1") < executed.index("5") < executed.index("6") < executed.index("7")
    steps = [event for event in events if isinstance(event, Progress) and event.node == "5"]
    # The host leaves out steps that follow within a tenth of a second, but never the last.
    assert [step.value for step in steps] == sorted({step.value for step in steps})
    assert steps[-1] == Progress("5", 4, 4)
    begin, end = events.index(Executing("5")), events.index(Executing("6"))
    assert all(begin < events.index(step) < end for step in steps)


def test_a_repeated_run_says_what_was_cached(server: RunningServer) -> None:
    prompt = grey_picture(color=0x123456)
    first = server.run(prompt)
    events: list[Event] = []
    second = run_blocking(server.address, prompt, on_event=events.append)
    assert set(second.cached) == {"1", "2"}
    assert not [event for event in events if isinstance(event, Executing)]
    assert second.outputs == first.outputs


def test_uploads_and_fetches_byte_for_byte(server: RunningServer, tmp_path: Path) -> None:
    data = png((1, 2, 3))
    file = tmp_path / "über & über.png"
    file.write_bytes(data)

    async def work(client: Client) -> None:
        uploaded = await client.upload_image(file, subfolder="some where")
        assert uploaded == Picture(file.name, "some where", "input")
        assert await client.fetch(uploaded) == data
        other = await client.upload_image(png((9, 9, 9)), file.name, subfolder="some where")
        assert other.filename != file.name, "a different picture of the same name must not replace the first"
        assert await client.fetch(uploaded) == data

        result = await client.run(loaded_picture(uploaded.annotated))
        shown = Image.open(io.BytesIO(await client.fetch(result.images("2")[0])))
        assert (shown.size, shown.getpixel((0, 0))) == ((5, 3), (1, 2, 3))

    use_client(server.address, work)
    assert (server.input_folder / "some where" / file.name).read_bytes() == data


def test_a_missing_picture_is_named(server: RunningServer) -> None:
    with pytest.raises(UnexpectedAnswer, match=r"no longer has a/none\.png \[output\]"):
        use_client(server.address, lambda client: client.fetch(Picture("none.png", "a")))


def test_a_refusal_names_nodes_and_inputs(server: RunningServer) -> None:
    prompt = grey_picture()
    prompt["1"]["inputs"] |= {"height": -1, "width": "wide"}
    prompt["1"]["_meta"] = {"title": "Grey"}
    with pytest.raises(PromptRefused) as caught:
        server.run(prompt)
    text = str(caught.value)
    assert "'Grey' (node 1, EmptyImage): input 'height': Value -1 smaller than min of 1" in text
    assert "input 'width': Failed to convert an input value to a INT value" in text
    assert {(problem.node, problem.class_type, problem.input) for problem in caught.value.problems} == {
        ("1", "EmptyImage", "height"),
        ("1", "EmptyImage", "width"),
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"1": {"class_type": "NoSuchNode", "_meta": {"title": "X"}}}, r"'X' \(node 1, NoSuchNode\): .*not installed"),
        (
            {"2": {"class_type": "SaveImage", "inputs": {"images": ["99", 0], "filename_prefix": "a"}}},
            "Linked to node 99",
        ),
        ({"2": {"class_type": "EmptyImage", "inputs": {}}}, "no outputs"),
    ],
)
def test_refusals_of_broken_graphs(server: RunningServer, change: dict, message: str) -> None:
    with pytest.raises(PromptRefused, match=message):
        server.run({**grey_picture(), **change})


def test_a_branch_that_the_server_leaves_out_is_told(server: RunningServer) -> None:
    prompt = {**grey_picture(), "3": {"class_type": "PreviewImage", "inputs": {}}}
    result = server.run(prompt)
    assert result.images("2")
    (problem,) = result.left_out
    assert (problem.node, problem.input) == ("3", "images")


def test_a_failing_node_is_named_and_the_server_goes_on(server: RunningServer) -> None:
    (server.input_folder / "broken.png").write_bytes(b"this is no picture")
    with pytest.raises(RunFailed) as caught:
        server.run(loaded_picture("broken.png"))
    error = caught.value
    assert (error.node, error.class_type) == ("1", "LoadImage")
    assert str(error).startswith("'Your picture' (node 1, LoadImage) failed: ")
    assert "cannot identify image file" in error.reason
    assert "Traceback" not in str(error)
    assert 'File "' not in str(error)
    assert "load_image" in error.traceback
    assert server.run(shown_text("still here")).texts("2") == ("still here",)


def test_an_interrupted_run_says_so(server: RunningServer) -> None:
    prompt = sampling(server.model("sd15_checkpoint"), steps=400, seed=12)

    async def work(client: Client) -> None:
        prompt_id = await client.submit(prompt)
        events: list[Event] = []
        async for event in client.follow(prompt_id):
            if isinstance(event, Progress):
                await client.interrupt(prompt_id)
            events.append(event)
        assert isinstance(events[-1], Failed)
        error = events[-1].error
        assert isinstance(error, RunInterrupted)
        assert error.node == "5"
        assert str(error) == "The run was interrupted at 'Sampler' (node 5, KSampler)."

    use_client(server.address, work)
    assert server.run(shown_text("after")).texts("2") == ("after",)


def test_a_run_out_of_time_is_taken_off_the_server(server: RunningServer) -> None:
    prompt = sampling(server.model("sd15_checkpoint"), steps=5000, seed=13)
    with pytest.raises(RunTimedOut, match="within 2 seconds"):
        server.run(prompt, timeout=2)
    assert server.run(shown_text("next"), timeout=30).texts("2") == ("next",)


def test_a_waiting_run_that_is_removed_counts_as_lost(server: RunningServer) -> None:
    long = sampling(server.model("sd15_checkpoint"), steps=400, seed=14)

    async def work(client: Client) -> None:
        running = await client.submit(long)
        try:
            waiting = await client.submit(shown_text("never"))
            await client.cancel(waiting)
            with pytest.raises(RunLost, match="no longer knows the run"):
                # Another client's websocket hears nothing of this prompt, so the server is asked.
                async with Client(server.address) as other:
                    async for _ in other.follow(waiting):
                        pass
        finally:
            await client.cancel(running)

    use_client(server.address, work)


def test_one_client_runs_several_prompts_at_once(server: RunningServer) -> None:
    async def work(client: Client) -> list[tuple[str, ...]]:
        results = await asyncio.gather(*(client.run(shown_text(f"text {number}")) for number in range(5)))
        return [result.texts("2") for result in results]

    assert use_client(server.address, work) == [(f"text {number}",) for number in range(5)]


def test_the_end_of_another_clients_run_can_be_followed(server: RunningServer) -> None:
    async def work(client: Client) -> list[Event]:
        prompt_id = await client.submit(shown_text("shared"))
        async with Client(server.address) as other:
            return [event async for event in other.follow(prompt_id)]

    assert isinstance(use_client(server.address, work)[-1], Finished)


def test_extra_data_reaches_the_saved_picture(server: RunningServer) -> None:
    extra = {"extra_pnginfo": {"workflow": {"note": "kept"}}}

    async def work(client: Client) -> bytes:
        result = await client.run(grey_picture(color=0x0F0F0F), extra_data=extra)
        return await client.fetch(result.images("2")[0])

    saved = Image.open(io.BytesIO(use_client(server.address, work)))
    assert saved.info["workflow"] == '{"note": "kept"}'
