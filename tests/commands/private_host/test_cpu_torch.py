"""The two repairs beside a CPU-only torch."""

from __future__ import annotations

from armature_pack.commands.private_host.build import declare_torchvision_operators, drop_torchaudio_libraries


def test_declares_operators_once(tmp_path):
    file = tmp_path / "torchvision" / "extension.py"
    file.parent.mkdir()
    file.write_text("import torch\n")
    declare_torchvision_operators(tmp_path)
    once = file.read_text()
    declare_torchvision_operators(tmp_path)
    assert file.read_text() == once and once.startswith("import torch\n") and '"nms", "qnms"' in once
    compile(once, str(file), "exec")


def test_drops_libraries_only(tmp_path):
    library = tmp_path / "torchaudio" / "lib"
    library.mkdir(parents=True)
    for name in ("libtorchaudio.so", "_torchaudio.abi3.so", "__init__.py"):
        (library / name).touch()
    drop_torchaudio_libraries(tmp_path)
    assert [path.name for path in library.iterdir()] == ["__init__.py"]
