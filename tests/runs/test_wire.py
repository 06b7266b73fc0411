"""Addresses: what is sent, and what is shown."""

import pytest
from armature_pack.runs.errors import ClientError
from armature_pack.runs.wire import Address


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("127.0.0.1:8188", "http://127.0.0.1:8188"),
        ("http://127.0.0.1:8188/", "http://127.0.0.1:8188"),
        ("https://gpu.example", "https://gpu.example"),
        ("https://gpu.example/proxy/8188/", "https://gpu.example/proxy/8188"),
        ("http://[::1]:8188", "http://[::1]:8188"),
        (" localhost ", "http://localhost"),
        ("https://ann:secret@gpu.example:444/a?token=hush", "https://gpu.example:444/a"),
    ],
)
def test_base(text: str, base: str) -> None:
    address = Address.parse(text)
    assert address.base == str(address) == base
    assert "secret" not in repr(address)
    assert "hush" not in repr(address)


def test_credentials_are_decoded() -> None:
    address = Address.parse("https://ann%40x:p%2Fw@gpu.example?token=a%26b&empty=")
    assert (address.user, address.password) == ("ann@x", "p/w")
    assert dict(address.query) == {"token": "a&b", "empty": ""}


def test_paths_are_quoted() -> None:
    assert Address.parse("h:1/x").url("/object_info/Load Ä") == "http://h:1/x/object_info/Load%20%C3%84"


@pytest.mark.parametrize(
    "text", ["", "ftp://x", "http://", "http://u:secret@h:port", "http://u:secret@:99999", "://secret"]
)
def test_unusable_addresses_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(ClientError, match="give the server's address as") as caught:
        Address.parse(text)
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__
