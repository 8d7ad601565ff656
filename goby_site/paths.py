"""Where this clone keeps what it makes: everything under `var/`, readable by its owner alone."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import os
import secrets
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote, urlsplit

_CLONE = Path(__file__).resolve().parent.parent
IS_CLONE = (_CLONE / "manage.py").exists()
"""Else the package is installed."""

BASE_DIR = _CLONE if IS_CLONE else Path.cwd()
"""The clone; where the package is installed instead, the folder that one works in."""
TEMPLATES = BASE_DIR / "templates" if IS_CLONE else Path(__file__).with_name("templates")

# A Unix socket's path must fit sockaddr_un: 108 bytes on Linux, 104 on others. Some room is left for a temporary name.
LONGEST_SOCKET_PATH = 100


def var_dir() -> Path:
    """The folder of this clone's data (`GOBY_VAR`, default `var/`), made 0700 when missing."""
    folder = Path(os.environ.get("GOBY_VAR") or BASE_DIR / "var").absolute()
    return private_dir(folder)


def private_dir(folder: Path) -> Path:
    """Make `folder` if it is missing and keep it to its owner. Raises PermissionError when it is someone else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} is not a folder of yours: remove it, or set GOBY_VAR to another place")
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder


def secret_file(name: str, make: str | None = None) -> str:
    """The text of the private file `name` under var/, written 0600 with `make` (default: a new secret) on first use."""
    path = var_dir() / name
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        write_private(path, make or secrets.token_urlsafe(50))
        return path.read_text(encoding="utf-8").strip()


def write_private(path: Path, text: str) -> None:
    """Write `path` whole with mode 0600; of two writers at once, the one that was first wins."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mkstemp's mode is 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
    finally:
        Path(temporary).unlink()


def make_private(path: Path) -> None:
    """Make the file, empty, if it is missing, and keep it to its owner."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)


def socket_dir() -> Path:
    """The folder of the stack's sockets: var/run, or a private temporary one where that path is too long for a socket."""
    near = var_dir() / "run"
    if len(os.fsencode(near)) + len("/supervisor.sock") <= LONGEST_SOCKET_PATH:
        return private_dir(near)
    digest = hashlib.sha256(os.fsencode(near)).hexdigest()[:12]
    return private_dir(Path(tempfile.gettempdir()) / f"goby-{os.geteuid()}-{digest}")


def redis_url() -> str:
    """The Redis in use: `REDIS_URL`, else the stack's own."""
    return os.environ.get("REDIS_URL") or unix_url(socket_dir() / "redis.sock")


def is_whole_url(url: str) -> bool:
    """Whether host and port are where a URL has them: a `/`, `#` or `?` in a password cuts it there."""
    parts = urlsplit(url)
    try:
        parts.port  # noqa: B018 - raises ValueError where it is no number
    except ValueError:
        return False
    return "@" in parts.netloc or "@" not in f"{parts.path}{parts.query}{parts.fragment}" or parts.scheme == "unix"


def redis_memory() -> str:
    """How much the stack's own Redis may hold, as redis.conf writes it: `GOBY_REDIS_MEMORY`."""
    return os.environ.get("GOBY_REDIS_MEMORY") or "1gb"


def redis_fsync() -> str:
    """When the stack's own Redis has the disk keep what it wrote: `GOBY_REDIS_FSYNC`, `everysec` or `always`."""
    return os.environ.get("GOBY_REDIS_FSYNC") or "everysec"


def is_local(address: str) -> bool:
    """Whether a host's name or address is this machine; a socket has none."""
    if not address or address == "localhost" or address.startswith("/"):
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def unix_url(path: Path) -> str:
    """The URL of the Redis that answers on the socket `path`, which may be any name."""
    return f"unix://{quote(str(path))}?db=0"
