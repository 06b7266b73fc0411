"""What `serve` says about who can reach it."""

import pytest
from armature_pack.commands.serve import is_local


@pytest.mark.parametrize("listen", ["127.0.0.1", "localhost", "::1", "127.0.0.1,::1"])
def test_only_this_machine(listen):
    assert is_local(listen)


@pytest.mark.parametrize("listen", ["0.0.0.0", "::", "192.168.1.5", "127.0.0.1,192.168.1.5", ""])
def test_others_too(listen):
    assert not is_local(listen)
