"""A real nginx with the configuration of docs/server.md."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
USER, PASSWORD = "anna", "two words"
PROGRAMS = ("nginx", "openssl")
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
_START = 30.0  # seconds
_LOCATION = re.compile(r"^    location / \{\n.*?^    \}\n", re.MULTILINE | re.DOTALL)


def find_program(name: str) -> str | None:
    """Where a program is; daemons are often not on the path of users."""
    return shutil.which(name) or next((found for place in _PLACES if (found := shutil.which(name, path=place))), None)


def documented() -> tuple[str, str]:
    """The configuration of docs/server.md, and its `location` for a path."""
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    whole, below = re.findall(r"^```nginx\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return whole, below


@contextmanager
def nginx(folder: Path, upstream: str, below_a_path: bool) -> Iterator[str]:
    """nginx before the server at `upstream`, as documented but for ports and places of files; the address that it answers at.

    folder: an empty one for its files.
    """
    whole, below = documented()
    if below_a_path:
        whole, count = _LOCATION.subn(lambda _: below, whole)
        assert count == 1, "docs/server.md has one `location /`, which the one for a path replaces"
    port = _free_port()
    subprocess.run(
        [
            *(find_program("openssl") or "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=127.0.0.1", "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    (folder / "passwords").write_text(f"{USER}:{{PLAIN}}{PASSWORD}\n", encoding="utf-8")
    for shown, real in (
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/pictures.pem", str(folder / "cert.pem")),
        ("/etc/ssl/pictures.key", str(folder / "key.pem")),
        ("auth_basic_user_file /etc/nginx/pictures.htpasswd;", f"auth_basic_user_file {folder / 'passwords'};"),
        ("http://127.0.0.1:8188", upstream),
    ):
        assert whole.count(shown) == 1, shown
        whole = whole.replace(shown, real)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder / kind};\n" for kind in kinds)
    # One process, of the user who runs the tests: no other may read the folder.
    (folder / "nginx.conf").write_text(
        f"daemon off;\nmaster_process off;\npid {folder / 'pid'};\nerror_log {folder / 'error.log'};\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{whole}\n}}\n",
        encoding="utf-8",
    )
    command = [find_program("nginx") or "nginx", "-p", str(folder), "-e", str(folder / "error.log")]
    process = subprocess.Popen([*command, "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE)
    try:
        _wait(process, port)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=30)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _START
    while process.poll() is None and time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    process.kill()
    raise AssertionError(f"nginx did not start: {process.communicate()[1].decode(errors='replace')}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
