"""The folder that keeps kernels and snapshots between runs, safe for several runners at once."""

import contextlib
import fcntl
import os
import pathlib
import shutil


class GuestError(Exception):
    """The guest, not the command in it, failed."""


class GuestTimeout(GuestError):
    """The guest did nothing wrong as yet, but took too long."""


def folder():
    named = os.environ.get("WGNET_GUEST_CACHE")
    if named:
        return pathlib.Path(named).absolute()
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(home).absolute() / "wgnet-guest"


@contextlib.contextmanager
def lock(exclusive):
    """Shared while reading what the cache holds, exclusive while changing it. Not recursive."""
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH)
        yield


@contextlib.contextmanager
def making(target):
    """A folder that becomes `target` when the block ends well. Needs the exclusive lock."""
    scratch, replaced = folder() / "unfinished", folder() / "replaced"
    for left in (scratch, replaced):  # by a runner that was killed
        shutil.rmtree(left, ignore_errors=True)
    scratch.mkdir()
    try:
        yield scratch
        if target.exists():
            target.rename(replaced)
        scratch.rename(target)
    finally:
        for left in (scratch, replaced):
            shutil.rmtree(left, ignore_errors=True)
