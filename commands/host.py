"""Make or check the private host: ComfyUI in a virtual environment in your cache folder, shared by all checkouts."""

import argparse

from .private_host.definition import RELEASES, define
from .private_host.ensure import ensure_private_host, host_folder, hosts_folder, list_hosts, remove_host_by_key
from .private_host.files import HOST_MARK, read_mark
from .private_host.host_options import add_host_options, host_from, request_from
from .terminal import Problem, readable_size

HELP = "make or check the private ComfyUI that the other commands use"
NEEDS_HOST = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `host`."""
    add_host_options(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--rebuild", action="store_true", help="make it again from nothing")
    what.add_argument("--list", action="store_true", help="show the hosts in the cache and their sizes")
    what.add_argument("--remove", metavar="KEY", help="delete one of them, by the key that --list shows")


def run(arguments: argparse.Namespace) -> int:
    """Do what the options say."""
    if arguments.list:
        return _list()
    if arguments.remove:
        return _remove(arguments.remove)
    if arguments.comfyui:
        _show(host=host_from(arguments))
        return 0
    request = request_from(arguments)
    host = ensure_private_host(request, rebuild=arguments.rebuild)
    folder = host_folder(define(request))
    mark = read_mark(folder / HOST_MARK) or {}
    _show(host, torch=mark["torch"], size=readable_size(mark["size"]), key=mark["key"])
    return 0


def _show(host, **more: object) -> None:
    rows = {"ComfyUI": f"{host.version} in {host.comfyui}", "Python": host.python, **more}
    for name, value in rows.items():
        print(f"{name:<9}{value}")


def _list() -> int:
    print(f"Hosts in {hosts_folder()}:")
    for kept in list_hosts():
        size = readable_size(kept.manifest["size"]) if kept.complete else "half-made"
        details = f"ComfyUI {kept.manifest['version']}, {kept.manifest['python']}" if kept.complete else ""
        print(f"  {kept.key:<24}{size:<12}{details}".rstrip())
    print("Releases that --host can make:")
    for release in RELEASES:
        print(f"  {release.version:<24}{'tested' if release.is_tested else 'not tested'}")
    return 0


def _remove(key: str) -> int:
    if not remove_host_by_key(key):
        raise Problem(f"there is no host {key} in {hosts_folder()}. `armature.py host --list` shows the keys.")
    print(f"Removed {key}")
    return 0
