"""SHA-256 of bytes, texts, values and files; that of 'abc' is NIST's own example."""

from pathlib import Path

from armature_pack.common.digests import sha256, sha256_of_file, sha256_of_files, sha256_of_json

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_bytes_texts_and_files(tmp_path: Path) -> None:
    file = tmp_path / "abc"
    file.write_bytes(b"abc")
    assert sha256(b"abc") == sha256("abc") == sha256_of_file(file) == ABC
    file.write_bytes(b"abc" * 1_000_000)
    assert sha256_of_file(file) == sha256(b"abc" * 1_000_000)


def test_values_whatever_the_order_of_their_keys() -> None:
    assert sha256_of_json({"b": [1, None], "a": "ü"}) == sha256_of_json({"a": "ü", "b": [1, None]})
    assert sha256_of_json({"a": 1}) == sha256('{"a": 1}') != sha256_of_json({"a": 2})
    assert sha256_of_json({"a": Path("x")}) == sha256_of_json({"a": "x"})


def test_files_by_name_and_content(tmp_path: Path) -> None:
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    digests = {sha256_of_files([tmp_path / name]) for name in "abc"}
    assert len(digests) == 3
    assert sha256_of_files([tmp_path / "a", tmp_path / "b"]) == sha256(b"a1b1")
