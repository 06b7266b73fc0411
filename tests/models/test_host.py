"""Words on the running node go to the clients that understand them."""

import sys
from types import SimpleNamespace

import pytest
from armature_pack.models import host as tell


@pytest.mark.parametrize(
    ("clients", "told"),
    [
        ({"front end": {"feature_flags": {"supports_preview_metadata": True}}, "script": {"feature_flags": {}}}, ["front end"]),
        (None, [None]),
    ],
)  # fmt: skip
def test_a_plain_client_gets_no_binary_message(monkeypatch, clients, told):
    """Some take it for a picture."""
    sent = []
    host = SimpleNamespace(send_progress_text=lambda text, node, client: sent.append((text, node, client)))
    if clients is not None:
        host.sockets_metadata = clients
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=SimpleNamespace(instance=host)))
    monkeypatch.setattr(tell, "_running_node", lambda: "7")
    tell.tell("cropped")
    assert sent == [("cropped", "7", client) for client in told]
