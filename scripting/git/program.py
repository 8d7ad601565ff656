"""The program `git`, called with care: no shell, no hooks, no configuration but ours, no prompt, bounded in time and in size."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

from scripting.conf import conf

STEP = 0.2
"""Seconds between two looks at a running git: its size, its time, whether we are to end."""
MOST_OUTPUT = 256 << 20
"""Bytes of one command's output."""
CONFIGURED = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.symlinks=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "submodule.recurse=false",
    "credential.helper=",
    "http.followRedirects=false",
)
"""Configuration of each call; nothing else is read, see `_environment`."""
_SECRETS = re.compile(r"//[^/@\s]+@")


class GitFailed(Exception):
    """Git did not do it. The message says why, without a secret."""


class Git:
    """Git in one bare repository of ours."""

    def __init__(self, folder: Path, progress: Callable[[], None] = lambda: None) -> None:
        self.folder = folder
        self.progress = progress

    def run(
        self, *arguments: str, sent: bytes = b"", env: Mapping[str, str] | None = None, remote: bool = False
    ) -> bytes:
        """The output of one command. `remote` gives it the credentials. Raises GitFailed."""
        program = shutil.which("git")
        if program is None:
            raise GitFailed("there is no program git here: install it (apt install git)")
        configured = [part for each in CONFIGURED for part in ("-c", each)]
        command = [program, "--git-dir", str(self.folder), *configured, *arguments]
        with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
            given.write(sent)
            given.seek(0)
            process = subprocess.Popen(
                command,
                stdin=given,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=_environment(self.folder, remote=remote) | dict(env or {}),
                start_new_session=True,
            )
            problem = self._watch(process, arguments[0], out.fileno())
            out.seek(0)
            err.seek(0)
            if problem or process.returncode:
                raise GitFailed(problem or _said(arguments[0], err.read(4000)))
            return out.read()

    def text(self, *arguments: str, sent: bytes = b"", env: Mapping[str, str] | None = None) -> str:
        return self.run(*arguments, sent=sent, env=env).decode("utf-8", "replace").strip()

    def _watch(self, process: subprocess.Popen[bytes], what: str, out: int) -> str:
        """Wait for its end; what was wrong with it, after killing it with all that it started."""
        until = time.monotonic() + conf.SCRIPTING_GIT_SECONDS
        problem = ""
        while not problem:
            try:
                process.wait(STEP)
                break
            except subprocess.TimeoutExpired:
                self.progress()
            if time.monotonic() > until:
                problem = f"git {what} took more than {conf.SCRIPTING_GIT_SECONDS:g} s (SCRIPTING_GIT_SECONDS)"
            elif what == "fetch" and size_of(self.folder) > conf.SCRIPTING_GIT_MAX_BYTES:
                problem = f"the repository has more than {conf.SCRIPTING_GIT_MAX_BYTES} bytes (SCRIPTING_GIT_MAX_BYTES)"
            elif os.fstat(out).st_size > MOST_OUTPUT:
                problem = f"git {what} answered more than {MOST_OUTPUT >> 20} MiB"
        if problem:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return problem


def size_of(folder: Path) -> int:
    """Bytes of all files below it."""
    found = 0
    for at, _folders, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # git renames its files as it goes
                found += os.lstat(Path(at, name)).st_size
    return found


def without_secrets(text: str) -> str:
    """The text with what stands before the `@` of an address left out."""
    return _SECRETS.sub("//…@", text)


def url_problem(url: str, protocols: Sequence[str]) -> str:
    """The problem of an address, with what to write; empty if there is none."""
    scheme = url.partition("://")[0] if "://" in url else "ssh" if re.fullmatch(r"[\w.-]+@[\w.-]+:[^:]+", url) else ""
    if not scheme or url.startswith("-") or any(c.isspace() or c < " " for c in url):
        return "must be https://host/path or ssh://git@host/path"
    if scheme not in protocols:
        return f"has the protocol {scheme}, and SCRIPTING_GIT_PROTOCOLS allows {', '.join(protocols)}"
    if re.match(r"https?://[^/]*@", url) or re.match(r"ssh://[^/]*:[^/]*@", url):
        return "has a name or a password in it: put the token into SCRIPTING_GIT_TOKEN"
    return ""


def branch_problem(name: str) -> str:
    """The problem of a branch's name; empty if there is none."""
    fits = re.fullmatch(r"[A-Za-z0-9_][\w./-]{0,199}", name, re.ASCII) and ".." not in name and "//" not in name
    return "" if fits and not name.endswith(("/", ".", ".lock")) else f"{name!r} is no name of a branch"


def protocols() -> list[str]:
    return conf.SCRIPTING_GIT_PROTOCOLS.replace(",", " ").split()


def _environment(folder: Path, *, remote: bool) -> dict[str, str]:
    """All that git sees of the environment. Credentials stand here, where `ps` does not show them."""
    found = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "SSH_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": ":".join(protocols()),
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    if not remote:
        return found
    found |= {each: os.environ[each] for each in ("https_proxy", "no_proxy", "SSL_CERT_FILE") if each in os.environ}
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    if conf.SCRIPTING_GIT_SSH_KEY:
        ssh += ["-i", conf.SCRIPTING_GIT_SSH_KEY, "-o", "IdentitiesOnly=yes"]
    if conf.SCRIPTING_GIT_KNOWN_HOSTS:
        ssh += ["-o", f"UserKnownHostsFile={shlex.quote(conf.SCRIPTING_GIT_KNOWN_HOSTS)}"]
    found["GIT_SSH_COMMAND"] = shlex.join(ssh)
    if conf.SCRIPTING_GIT_TOKEN:
        basic = base64.b64encode(f"{conf.SCRIPTING_GIT_TOKEN_USER}:{conf.SCRIPTING_GIT_TOKEN}".encode()).decode()
        found |= {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.{conf.SCRIPTING_GIT_URL}.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
        }
    return found


def _said(what: str, err: bytes) -> str:
    """Git's own words, in one line, with nothing secret in it."""
    lines = [line.strip() for line in err.decode("utf-8", "replace").splitlines() if line.strip()]
    said = "; ".join(line for line in lines if not line.startswith("hint:"))[-400:]
    return without_secrets(f"git {what}: {said or 'it failed and says nothing'}")
