"""`python3 -m goby_site.stack.machine`: says what this machine lacks, before anything is installed. Standard library only.

With the argument `packaged-redis` it says by its exit status alone whether the packaged Redis runs here.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import sys
import sysconfig

from goby_site.stack.redis_server import OLDEST, how_to_get_one, server_version, servers_on_path

# What the wheel of requirements/redis.txt is built for.
PROCESSORS = {"Linux": {"x86_64", "aarch64"}, "Darwin": {"x86_64", "arm64"}}
OLDEST_GLIBC = (2, 28)


def problems() -> list[str]:
    """Each thing that is missing, with what to do about it."""
    found = []
    if sys.implementation.name != "cpython" or sysconfig.get_config_var("Py_GIL_DISABLED"):
        found.append(
            f"{sys.executable} is not the usual CPython, which the sandbox is made for. Name one: make PYTHON=python3.13 …"
        )
    if any(importlib.util.find_spec(name) is None for name in ("venv", "ensurepip")):
        found.append(
            f"{sys.executable} cannot make virtual environments. Install its venv package (Debian and Ubuntu: "
            "apt-get install python3-venv) and try again."
        )
    if not os.environ.get("REDIS_URL") and not packaged_redis_runs():
        old = {program: server_version(program) for program in servers_on_path()}
        if all(version < OLDEST for version in old.values()):
            found.append(f"{why_not_packaged()} {how_to_get_one(', '.join(f'{path} is too old' for path in old))}")
    return found


def packaged_redis_runs() -> bool:
    """Whether there is a wheel with a server for this machine."""
    fits = platform.machine() in PROCESSORS.get(platform.system(), ()) and sys.maxsize > 2**32
    return fits and (platform.system() != "Linux" or glibc() >= OLDEST_GLIBC)


def why_not_packaged() -> str:
    """Why there is none."""
    wanted = ".".join(map(str, OLDEST_GLIBC))
    here = f"{platform.system()} on {platform.machine()} with {'.'.join(map(str, glibc())) or 'no'} glibc"
    return f"The packaged Redis is for Linux on x86-64 and arm64 with glibc {wanted} or newer, this is {here}."


def glibc() -> tuple[int, ...]:
    """The version of the GNU C library, `(2, 36)`; () with another C library."""
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION") or ""
        return tuple(int(part) for part in name.removeprefix("glibc ").split(".")[:2])
    except (ValueError, OSError, AttributeError):
        return ()


def main(arguments: list[str]) -> int:
    """0 when nothing is missing; else 1, with the reasons on stderr."""
    if arguments == ["packaged-redis"]:
        return 0 if packaged_redis_runs() else 1
    found = problems()
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
