"""The folder that is served: its manifests, and how they are written whole or not at all."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Iterator
from typing import Any, Optional

from releasing.failure import fail
from releasing.version import order

SCRATCH = ".releasing."

Manifest = dict[str, Any]


def manifest(folder: pathlib.Path, channel: str) -> Optional[Manifest]:
    file = folder / channel / "latest.json"
    if not file.exists():
        return None
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        order(found["version"])
        return {"rollout": 100, **found, "platforms": dict(found["platforms"])}
    except (ValueError, KeyError, TypeError):
        fail(f"{file} is not a manifest", "put back what was there: each release keeps its own in its folder")


def check_order(version: str, channel: str, wanted: list[str], folder: pathlib.Path, there: Optional[Manifest]) -> None:
    if order(version)[2] and channel == "stable":
        fail(f"{version} is a pre-release, and the stable channel has none", "release it with --channel beta, or choose --version")
    if there and there["version"] == version:
        twice = [key for key in wanted if key in there["platforms"]]
        if twice:
            fail(f"{version} is released for {', '.join(twice)} already", "choose a newer version: --version")
        return
    if there and order(version) < order(there["version"]):
        fail(f"{version} is older than {there['version']}, which {channel} has", "choose a newer version: --version")
    if (folder / channel / version).exists():
        fail(f"{version} was released on {channel} before", f"choose a newer version, or delete {folder / channel / version} if nobody has it")


def write(file: pathlib.Path, text: str, undo: contextlib.ExitStack) -> None:
    """By renaming, so that readers get the old or the new; undone if something fails later."""
    before = file.read_text(encoding="utf-8") if file.exists() else None
    beside = file.with_name(f".{file.name}.new")
    undo.callback(beside.unlink, missing_ok=True)
    beside.write_text(text, encoding="utf-8")
    undo.callback(file.unlink, missing_ok=True) if before is None else undo.callback(file.write_text, before, encoding="utf-8")
    beside.replace(file)


def write_manifest(folder: pathlib.Path, content: Manifest, undo: contextlib.ExitStack) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    channel = folder / content["channel"]
    # The release's own, to go back to.
    write(channel / content["version"] / "latest.json", text, undo)
    write(channel / "latest.json", text, undo)


def write_changes(file: pathlib.Path, channel: str, version: str, text: str, date: str, undo: contextlib.ExitStack) -> None:
    title = f"# Changes of the {channel} channel\n"
    before = file.read_text(encoding="utf-8") if file.exists() else title
    before = before[len(title) :] if before.startswith(title) else f"\n{before}"
    write(file, f"{title}\n## {version} ({date})\n\n{text}\n{before}", undo)


def create(folder: pathlib.Path, undo: contextlib.ExitStack) -> None:
    if not folder.is_dir():
        create(folder.parent, undo)
        folder.mkdir()
        undo.callback(remove_empty, folder)


def remove_empty(folder: pathlib.Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


@contextlib.contextmanager
def work_in(folder: pathlib.Path) -> Iterator[tuple[pathlib.Path, contextlib.ExitStack]]:
    """A place in the folder for what is not whole yet, and what is undone unless it is all kept. One release at a time."""
    with contextlib.ExitStack() as undo, contextlib.ExitStack() as leave:
        try:
            create(folder, undo)
            lock = os.open(folder, os.O_RDONLY)
            leave.callback(os.close, lock)
            only_one(lock, folder)
            for left in folder.glob(f"{SCRATCH}*"):
                shutil.rmtree(left)
            scratch = pathlib.Path(tempfile.mkdtemp(dir=folder, prefix=SCRATCH))
            leave.callback(shutil.rmtree, scratch)
        except OSError as error:
            fail(f"{folder} cannot be written: {error.strerror}", "choose another folder, or become its owner")
        yield scratch, undo


def only_one(lock: int, folder: pathlib.Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fail(f"another release is being made in {folder}", "start again when it is through")
