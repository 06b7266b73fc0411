"""Training an IP-Adapter through its node: what is trained is what is run, the best is kept, and nothing is lost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comfy.model_management
import pytest
import torch
from armature_pack.models.files.identify import told_file
from armature_pack.models.files.trained import of_file
from armature_pack.models.ip_adapter.apply import apply_ip_adapter
from armature_pack.models.ip_adapter.layers import cross_attentions
from armature_pack.models.ip_adapter.settings import Settings
from armature_pack.models.training import loop, trainee
from armature_pack.models.training.from_folder import set_of_folder
from armature_pack.models.training.ip_adapter import IPAdapterLearner, Plan
from armature_pack.models.training.ip_adapter_weights import fresh_weights, trainable
from armature_pack.models.training.lessons import Batch, Lessons, noisy
from armature_pack.models.training.likeness import LikenessExamination, Look
from armature_pack.models.training.loop import Dice, Pace
from armature_pack.models.training.references import Seen, look_at
from armature_pack.models.training.session import Session
from armature_pack.models.training.training_set import Wanted
from armature_pack.nodes.ip_adapter import ArmatureLoadIPAdapter
from armature_pack.nodes.train_ip_adapter import ArmatureTrainIPAdapter
from armature_pack.tests.latest import latest
from ip_adapter_recipes import adapter, narrow_model, tiny_encoder
from safetensors.torch import load_file
from small import SIDE, checkpoint, draw_squares, kept, squares

QUICK = {"batch": 2, "validate_every": 100, "validation_pictures": 1, "validation_steps": 1}
# Shapes of the files that their authors published, where the encoder's width is not in them: other packs count on these.
PUBLISHED = {
    "base": {"image_proj.norm.weight": (768,), "image_proj.proj.bias": (4 * 768,)},
    "plus": {
        "image_proj.latents": (1, 16, 768),
        "image_proj.layers.3.0.to_q.weight": (768, 768),
        "image_proj.layers.3.0.to_kv.weight": (1536, 768),
        "image_proj.layers.3.1.1.weight": (3072, 768),
        "image_proj.proj_out.weight": (768, 768),
    },
}


@latest(1)
def encoder() -> Any:
    """CLIP_VISION, as a loader gives it inside a node."""
    with torch.inference_mode():
        return tiny_encoder()


@latest(1)
def tiny() -> Any:
    """MODEL of SD 1.5's family with four cross-attentions, as a loader gives it inside a node."""
    with torch.inference_mode():
        return narrow_model("tiny")


@pytest.fixture
def adapters(folders: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The host's folder for IP-Adapters, a test's own."""
    import folder_paths

    made = folders / "ipadapter"
    made.mkdir()
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "ipadapter", ([str(made)], {".safetensors"}))
    return folders


def trained(folders: Path, steps: int = 2, name: str = "mine", **settings: Any) -> Any:
    """What the node gives."""
    given = {**QUICK, **settings}
    chosen = given.pop("set", None) or squares(folders, method=None)
    seen_by = given.pop("clip_vision", None) or encoder()
    _, clip, vae = checkpoint()
    model = given.pop("model", None) or tiny()
    return ArmatureTrainIPAdapter.execute(model, clip, vae, seen_by, chosen, name, steps, **given)


def file(folders: Path, name: str = "mine") -> dict[str, torch.Tensor]:
    return load_file(folders / "ipadapter" / f"{name}.safetensors")


def looks(folders: Path, name: str) -> dict[int, float]:
    """Step -> error on held-out views, of the log."""
    path = folders / "output" / "armature_training" / name / f"{name}.log.jsonl"
    rows = map(json.loads, path.read_text().splitlines())
    return {row["step"]: row["held_out_error"] for row in rows if "held_out_error" in row}


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def learner_of(folders: Path, layout: str = "base", model: Any = None, **plan: Any) -> tuple[IPAdapterLearner, Lessons]:
    """Made by hand, in training mode."""
    model, (_, clip, vae) = model or tiny(), checkpoint()
    chosen = squares(folders, method=None)
    lessons = Lessons(chosen, model, clip, vae, with_maps=False)
    learned = trainee.Trainee(model, lambda _key: False)
    learns = trainable(fresh_weights(layout, cross_attentions(model.model), model.model, encoder(), 0, 3), "mine")
    seen = look_at(chosen, learns, encoder())
    learner = IPAdapterLearner(lessons, learned, learns, seen, Plan(layout, **plan), Pace(batch=2), [0])
    learner.load()
    return learner, lessons


@pytest.mark.parametrize("layout", ["base", "plus"])
def test_what_is_trained_is_what_the_file_does(adapters, layout):
    """The prediction of the training equals that of the host's model with the file, loaded and applied by the nodes."""
    model = checkpoint()[0] if layout == "base" else tiny()
    made, losses, sheet, report = trained(adapters, 2, layout=layout, learning_rate=1e-3, model=model).args
    assert len(losses["loss"]) == 2 and sheet.shape[0] == 1 and "2 steps" in report
    weights = file(adapters)
    assert {name: tuple(weights[name].shape) for name in PUBLISHED[layout]} == PUBLISHED[layout]
    layers = len(cross_attentions(model.model))
    assert {f"ip_adapter.{2 * one + 1}.to_{part}_ip.weight" for one in range(layers) for part in "kv"} <= weights.keys()
    loaded = ArmatureLoadIPAdapter.execute("mine.safetensors").args[0]
    assert loaded.layout.name == layout == made.layout.name and loaded.family == "sd15"
    with trainee.training_mode():
        learner, lessons = learner_of(adapters, layout, model)
        with torch.no_grad():
            own = dict(learner.adapter.module.named_parameters())
            for name, value in loaded.module.state_dict().items():
                own[name].copy_(value)
        batch = lessons.batch([1], [0.4], Dice.of(0, 0).noise((1, *lessons.latents[1].shape)), [False])
        ours, blind = (learner.predicted(batch, [view]).detach() for view in (3, None))
        learner.trainee.release()
    applied = apply_ip_adapter(
        model, loaded, Settings(weight=1.0, image=lessons.set.pictures([3]), clip_vision=encoder())
    ).model
    comfy.model_management.load_models_gpu([applied])
    options = {**applied.model_options["transformer_options"], "sigmas": batch.sigmas}
    sampling, theirs = model.model.model_sampling, []
    for half in (0, 1):
        called = {**options, "cond_or_uncond": [half]}
        found = applied.model.apply_model(
            noisy(sampling, batch), batch.sigmas, transformer_options=called, **batch.conds
        )
        theirs.append(found)
    assert torch.allclose(ours, theirs[0], atol=1e-5) and torch.allclose(blind, theirs[1], atol=1e-5)
    assert not torch.allclose(ours, blind, atol=1e-4)


def test_the_loss_falls_and_the_model_stays_as_it_is(adapters):
    model = tiny()
    before = {name: value.clone() for name, value in model.model.state_dict().items()}
    losses = trained(adapters, 14, learning_rate=3e-3, batch=4).args[1]["loss"]
    assert sum(losses[-5:]) < sum(losses[:5])
    assert equal(before, dict(model.model.state_dict()))
    rows = (adapters / "output" / "armature_training" / "mine" / "mine.log.jsonl").read_text().splitlines()
    looked = [row for row in map(json.loads, rows) if "loss" not in row]
    assert {"held_out_error", "training_error", "likeness", "likeness_without"} <= looked[0].keys()
    path = adapters / "ipadapter" / "mine.safetensors"
    said = of_file(path)
    assert said.base == "sd15" and said.likeness is not None and f"{said.steps} steps, likeness" in told_file(path)


@pytest.mark.parametrize("place", [(loop.Loop, "_step"), (Session, "error")])
def test_a_resumed_training_equals_one_in_one_go(adapters, monkeypatch, place):
    """Also where the interrupt comes into a look, which then decides what is kept."""
    quick = {"validate_every": 1, "learning_rate": 1e-2}
    trained(adapters, 3, "whole", **quick)
    owner, name = place
    does = getattr(owner, name)

    def interrupt(self: Any, given: Any) -> Any:
        if getattr(self, "course", None) is not None and self.course.step == 2:
            comfy.model_management.interrupt_current_processing(True)
            comfy.model_management.throw_exception_if_processing_interrupted()
        return does(self, given)

    monkeypatch.setattr(owner, name, interrupt)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        trained(adapters, 3, "parts", **quick)
    monkeypatch.setattr(owner, name, does)
    assert not (adapters / "ipadapter" / "parts.safetensors").exists()
    report = trained(adapters, 3, "parts", **quick).args[-1]
    assert "3 steps, 1 of them now" in report and equal(file(adapters, "whole"), file(adapters, "parts"))
    assert looks(adapters, "whole") == looks(adapters, "parts")
    assert "all of them done before" in trained(adapters, 3, "parts", **quick).args[-1]
    assert equal(file(adapters, "whole"), file(adapters, "parts"))


def test_it_stops_when_held_out_views_get_no_better_and_keeps_the_best(adapters):
    """A rate that is far too high spoils everything at once: what it began with is what is kept."""
    begun = trained(adapters, 1, "begun", learning_rate=0.0).args[0]
    spoilt = {"validate_every": 1, "learning_rate": 1.0, "patience": 2, "start_from": begun}
    losses, _, report = trained(adapters, 9, "spoilt", **spoilt).args[1:]
    assert len(losses["loss"]) == 2 and "stopped at step 2 of 9" in report and "at step 0" in report
    assert equal(file(adapters, "begun"), file(adapters, "spoilt"))
    assert "all of them done before" in trained(adapters, 9, "spoilt", **spoilt).args[-1]
    assert "of them now" in trained(adapters, 9, "spoilt", **{**spoilt, "patience": 3}).args[-1]


def test_it_says_that_it_learns_by_heart():
    found = object.__new__(LikenessExamination)
    found._views = torch.nn.functional.normalize(torch.eye(3) + 0.1, dim=-1)
    kept = Look(20, 0.010, 0.009, 0.7, 0.3, 0.4, [])
    found.looks = [Look(0, 0.012, 0.012, 0.3, 0.3, 0.4, []), kept, Look(40, 0.013, 0.004, 0.8, 0.3, 0.99, [])]
    (told,) = found.advice(kept)
    assert "by heart" in told and "step 20" in told
    (told,) = found.advice(Look(40, 0.010, 0.004, 0.8, 0.3, 0.99, []))
    assert "copies" in told


def test_gradient_checkpointing_gives_the_same_gradients(adapters):
    found = []
    with trainee.training_mode():
        for wanted in (False, True):
            learner, _ = learner_of(adapters, checkpointing=wanted)
            learner.loss(Dice.of(0, 0)).backward()
            found.append([one.grad.clone() for one in learner.adapter.module.parameters()])
            learner.trainee.release()
    assert all(torch.allclose(one, other, rtol=1e-4, atol=1e-7) for one, other in zip(*found, strict=True))
    assert all(bool(one.any()) for one in found[0])


def test_sdxl_is_trained_as_it_is_run(encoder_of_a_view):
    """Its 70 cross-attentions are numbered as its files number them."""
    model = narrow_model("sdxl")
    layers = cross_attentions(model.model)
    dice = torch.Generator().manual_seed(4)
    conds = {
        name: torch.randn(1, *shape, generator=dice) for name, shape in (("c_crossattn", (7, 2048)), ("y", (2816,)))
    }
    with trainee.training_mode():
        learned = trainee.Trainee(model, lambda _key: False)
        learns = trainable(fresh_weights("base", layers, model.model, encoder(), 0, 3), "mine")
        lessons = SimpleNamespace(latents=[None] * 2, sized=dict)
        learner = IPAdapterLearner(lessons, learned, learns, encoder_of_a_view(learns), Plan(), Pace(), [])
        latents, noise = (torch.randn(1, 4, 8, 8, generator=dice) for _ in range(2))
        batch = Batch(latents, None, torch.tensor([3.0]), noise, conds)
        with torch.no_grad():
            ours = learner.predicted(batch, [0])
        made = learner.made("mine")
        learned.release()
    assert made.family == "sdxl" and made.numbers == tuple(range(1, 141, 2))
    embeds = learner.seen.embeds(0)
    applied = apply_ip_adapter(model, made, Settings(weight=1.0, embeds=embeds)).model
    options = {**applied.model_options["transformer_options"], "sigmas": batch.sigmas, "cond_or_uncond": [0]}
    given = noisy(model.model.model_sampling, batch)
    theirs = applied.model.apply_model(given, batch.sigmas, transformer_options=options, **conds)
    assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.fixture
def encoder_of_a_view() -> Any:
    """From an adapter to what it sees in two pictures of noise."""

    def see(learns: Any) -> Seen:
        views = [torch.randn(1, learns.feature_width, generator=torch.Generator().manual_seed(one)) for one in (1, 2)]
        return Seen(learns.layout.reads, tuple(views), torch.zeros_like(views[0]), "")

    return see


def test_a_view_is_learned_from_another_view(adapters):
    with trainee.training_mode():
        learner, _ = learner_of(adapters)
        views = learner.references
        assert 0 not in views.views and all(views.by_chance(3, one / 9) not in (0, 3) for one in range(10))
        assert views.fixed(0) != 0 and all(views.fixed(one) not in (0, one) for one in range(1, 10))
        learner.trainee.release()


def test_of_few_views_none_is_held_out_and_the_last_state_is_kept(adapters):
    _, losses, sheet, report = trained(adapters, 2, set=squares(adapters, 4, method=None), learning_rate=1.0).args
    assert len(losses["loss"]) == 2 and sheet.ndim == 4 and "too few to hold any out" in report
    assert "Kept" not in report and of_file(adapters / "ipadapter" / "mine.safetensors").steps == 2


def test_what_cannot_be_trained_is_refused_before_the_first_step(adapters):
    with pytest.raises(ValueError, match="Load CLIP Vision"):
        trained(adapters, clip_vision="none")
    with pytest.raises(ValueError, match="one picture"):
        trained(adapters, set=_first_only(squares(adapters, method=None)))
    with pytest.raises(ValueError, match="face_id|FaceID"):
        trained(adapters, start_from=adapter("face_id", "sd15"))
    made = trained(adapters, 1, "base").args[0]
    with pytest.raises(ValueError, match="width"):
        trained(adapters, start_from=made, clip_vision=tiny_encoder(projection_dim=48))
    with pytest.raises(ValueError, match="training of this name already.*layout"):
        trained(adapters, 1, "base", layout="plus")
    with pytest.raises(ValueError, match="attention layers"):
        trained(adapters, start_from=made, model=narrow_model("sd15"))
    quantised = narrow_model("tiny")
    first = next(iter(quantised.model.diffusion_model.parameters()))
    first.data = first.data.to(torch.float8_e4m3fn)
    with pytest.raises(ValueError, match="too coarse"):
        trained(adapters, model=quantised)


def _first_only(chosen: Any) -> Any:
    return replace(chosen, examples=chosen.examples[:1])


def test_captions_of_any_length_go_together(adapters):
    folder = draw_squares(adapters / "input" / "long", 6)
    for number in range(0, 6, 2):
        (folder / f"{number:03}.txt").write_text("a square on a plain ground, " * 20, encoding="utf-8")
    chosen = set_of_folder("long", Wanted(size=SIDE, maps="none"), kept()).set
    losses = trained(adapters, 2, set=chosen, batch=4, without_text=0.5).args[1]["loss"]
    assert len(losses) == 2 and all(0 < one < 100 for one in losses)
