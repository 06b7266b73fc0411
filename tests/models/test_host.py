"""Words on the running node go to the clients that understand them."""

import sys
from types import SimpleNamespace

import pytest
from armature_pack.models import host


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
    prompt_server = SimpleNamespace(send_progress_text=lambda text, node, client: sent.append((text, node, client)))
    if clients is not None:
        prompt_server.sockets_metadata = clients
    monkeypatch.setitem(sys.modules, "server", SimpleNamespace(PromptServer=SimpleNamespace(instance=prompt_server)))
    monkeypatch.setattr(host, "running_node", lambda: "7")
    host.tell("cropped")
    assert sent == [("cropped", "7", client) for client in told]
