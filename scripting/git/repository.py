"""Our bare copy of the repository: fetch the branch, lay a commit's rules into a folder, write commits, push them."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from scripting.client.folder import MAX_BYTES
from scripting.conf import conf
from scripting.git.program import Git, GitFailed, branch_problem, protocols, url_problem

FOLLOWED, PUSHED = "refs/goby/followed", "refs/goby/pushed"
MOST_FILES = 10_000
"""Files of the rules' folder."""
Parts = tuple[str, ...]
"""The parts of a path in the rules' folder."""
TOO_LARGE = f"has more than {MAX_BYTES >> 20} MiB"
IS_FOLDER = "is a folder: put the file itself there"
FORMAT = "%H%x00%an%x00%ae%x00%B"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


@dataclass(frozen=True)
class Commit:
    """One commit: who wrote it, and why."""

    sha: str
    author: str
    mail: str
    message: str

    @property
    def subject(self) -> str:
        return self.message.strip().partition("\n")[0]


@dataclass(frozen=True)
class Signed:
    """Who is said to have made a commit, when, and why."""

    name: str
    mail: str
    at: datetime
    message: str


class Repository:
    """The copy in SCRIPTING_GIT_DIR."""

    def __init__(self, progress: Callable[[], None] = lambda: None) -> None:
        self.root = Path(conf.SCRIPTING_GIT_DIR).absolute()
        self.git = Git(self.root / "copy.git", progress)
        self.url = conf.SCRIPTING_GIT_URL
        self.below = f"{conf.SCRIPTING_GIT_FOLDER.strip('/')}/".lstrip("/")
        self.branch, self.push_branch = conf.SCRIPTING_GIT_BRANCH, conf.SCRIPTING_GIT_PUSH_BRANCH

    def fetch(self) -> str:
        """Bring the followed branch here, and the one we push to: the followed one's newest commit. Raises GitFailed."""
        self._require()
        there = self._heads()
        if self.branch not in there:
            raise GitFailed(f"the repository has no branch {self.branch}")
        wanted = {FOLLOWED: self.branch, **({PUSHED: self.push_branch} if self.push_branch in there else {})}
        if any(self.commit_of(ref) != there[name] for ref, name in wanted.items()):
            refspecs = [f"+refs/heads/{name}:{ref}" for ref, name in wanted.items()]
            depth = f"--depth={conf.SCRIPTING_GIT_DEPTH}"
            flags = ("--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", depth)
            try:
                self.git.run("fetch", *flags, "--", self.url, *refspecs, remote=True)
            except GitFailed:
                self._give_up_what_is_too_large()
                raise
        if PUSHED not in wanted:
            self.git.run("update-ref", "-d", PUSHED)
        return self.commit_of(FOLLOWED)

    def commit_of(self, ref: str) -> str:
        """Empty for none."""
        try:
            return self.git.text("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
        except GitFailed:
            return ""

    def commit(self, sha: str) -> Commit:
        """Raises GitFailed."""
        return self._commits(1, sha)[0]

    def last_of(self, path: str, since: str, head: str) -> Commit:
        """The newest commit that changed a file; of those since `since`, where that is known. Raises GitFailed."""
        reach = [head, f"^{since}"] if since and self.is_ancestor(since, head) else [head]
        found = self._commits(1, *reach, path=path)
        return found[0] if found else self.commit(head)

    def texts_of(self, path: str, head: str) -> Iterator[bytes]:
        """The contents that a file had, newest first, as far as our copy goes back."""
        commits: list[Commit] = []
        with contextlib.suppress(GitFailed):
            commits = self._commits(conf.SCRIPTING_GIT_DEPTH, head, path=path)
        for each in commits:
            with contextlib.suppress(GitFailed):  # this one deleted it
                yield self.git.run("cat-file", "blob", f"{each.sha}:{path}")

    def is_ancestor(self, one: str, other: str) -> bool:
        """Whether `other` has all that `one` has, as far as our copy goes back."""
        if not _COMMIT.fullmatch(one) or not _COMMIT.fullmatch(other):
            return False
        try:
            self.git.run("merge-base", "--is-ancestor", one, other)
        except GitFailed:
            return False
        return True

    @contextlib.contextmanager
    def laid_out(self, sha: str) -> Iterator[Path]:
        """The rules of a commit in a folder: plain files alone, no links, no filters, none too large. Raises GitFailed."""
        folder = Path(mkdtemp(prefix="rules-", dir=self.root))
        try:
            blobs = self._blobs(sha)
            asked = "".join(f"{blob}\n" for blob in blobs.values()).encode()
            answer = memoryview(self.git.run("cat-file", "--batch", sent=asked)) if blobs else memoryview(b"")
            at = 0
            for name in blobs:
                line = bytes(answer[at : at + 200]).partition(b"\n")[0]
                if not line.split()[1:2] == [b"blob"]:
                    raise GitFailed(f"{name} is not in our copy")
                at += len(line) + 1
                size = int(line.split()[2])
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(answer[at : at + size])
                at += size + 1
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def written(self, parent: str, changes: Mapping[str, bytes | None], signed: Signed) -> str:
        """A commit that changes these files (None takes one away): its name, or `parent` where nothing differs. Raises GitFailed."""
        index = {"GIT_INDEX_FILE": str(self.root / f"index-{secrets.token_hex(4)}")}
        try:
            self.git.run("read-tree", f"{parent}^{{tree}}", env=index)
            lines = []
            for path, content in changes.items():
                blob = "0" * len(parent)
                if content is not None:
                    blob = self.git.text("hash-object", "-w", "--stdin", "--no-filters", sent=content)
                lines.append(f"{'0' if content is None else '100644'} {blob}\t{path}\0")
            self.git.run("update-index", "-z", "--index-info", sent="".join(lines).encode(), env=index)
            tree = self.git.text("write-tree", env=index)
        finally:
            Path(index["GIT_INDEX_FILE"]).unlink(missing_ok=True)
        if tree == self.git.text("rev-parse", f"{parent}^{{tree}}"):
            return parent
        name, mail = _plain(signed.name) or "somebody", _plain(signed.mail)
        env = {"GIT_AUTHOR_NAME": name, "GIT_AUTHOR_EMAIL": mail, "GIT_AUTHOR_DATE": signed.at.isoformat()}
        env |= {each.replace("AUTHOR", "COMMITTER"): value for each, value in env.items()}
        return self.git.text("commit-tree", tree, "-p", parent, sent=signed.message.encode(), env=env)

    def push(self, sha: str) -> None:
        """Give the branch a new end, never by force. Raises GitFailed."""
        refspec = f"{sha}:refs/heads/{self.push_branch}"
        self.git.run("push", "--porcelain", "--no-verify", "--", self.url, refspec, remote=True)
        self.git.run("update-ref", PUSHED, sha)

    # -- parts -----------------------------------------------------------------------------------------------------------

    def _require(self) -> None:
        """Our copy is there, and ours alone. Raises GitFailed."""
        problem = url_problem(self.url, protocols()) or branch_problem(self.branch)
        if problem or (self.push_branch and (problem := branch_problem(self.push_branch))):
            raise GitFailed(f"SCRIPTING_GIT_…: {problem}")
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        if not (self.git.folder / "HEAD").exists():
            self.git.folder.mkdir(exist_ok=True)
            self.git.run("init", "--quiet", "--bare", "--template=", "--", str(self.git.folder))
        with os.scandir(self.root) as entries:  # what a process left that died
            left = [entry.path for entry in entries if entry.name.startswith(("rules-", "index-"))]
        for path in left:
            shutil.rmtree(path, ignore_errors=True) if Path(path).is_dir() else Path(path).unlink(missing_ok=True)

    def _heads(self) -> dict[str, str]:
        names = [f"refs/heads/{name}" for name in (self.branch, self.push_branch) if name]
        told = self.git.run("ls-remote", "--", self.url, *names, remote=True).decode("utf-8", "replace")
        found = (line.partition("\t") for line in told.splitlines())
        return {ref.removeprefix("refs/heads/"): sha for sha, _, ref in found if ref in names}

    def _give_up_what_is_too_large(self) -> None:
        """Half a pack that a killed git left would count at the next try."""
        for path in self.git.folder.glob("objects/pack/tmp_*"):
            path.unlink(missing_ok=True)

    def _commits(self, most: int, *revisions: str, path: str = "") -> list[Commit]:
        flags = ("-z", f"-{most}", f"--format={FORMAT}", "--end-of-options")
        told = self.git.run("log", *flags, *revisions, "--", *filter(None, [path]))
        parts = told.decode("utf-8", "replace").split("\0")  # one behind each field, so the last is empty
        return [Commit(*parts[at : at + 4]) for at in range(0, len(parts) - 3, 4)]

    def unfit(self, sha: str) -> dict[Parts, str]:
        """Paths of the rules' folder that are named like a rule but are not laid out, each with the reason. Raises GitFailed."""
        listed = [each for each in self._listed(sha) if all(map(_NAMED.fullmatch, each.parts))]
        folders = {each.parts[:names] for each in listed for names in range(2, min(len(each.parts), 5))}
        return dict.fromkeys(sorted(folders), IS_FOLDER) | {each.parts: each.problem for each in listed if each.problem}

    def _blobs(self, sha: str) -> dict[str, str]:
        """The blobs of the rules' folder by their path in it."""
        found = {}
        for each in self._listed(sha):
            if each.problem or not all(map(_NAMED.fullmatch, each.parts)):
                continue
            found["/".join(each.parts)] = each.blob
            if len(found) > MOST_FILES:
                raise GitFailed(f"{self.below or 'the repository'} has more than {MOST_FILES} files")
        return found

    def _listed(self, sha: str) -> Iterator[_Listed]:
        """All that a commit has in the rules' folder."""
        told = self.git.run("ls-tree", "-r", "-z", "-l", sha, "--", *filter(None, [self.below]))
        for line in told.decode("utf-8", "surrogateescape").split("\0"):
            head, _, path = line.partition("\t")
            if path:
                mode, kind, blob, size = head.split()
                yield _Listed(mode, kind, blob, size, tuple(path.removeprefix(self.below).split("/")))


@dataclass(frozen=True)
class _Listed:
    """A line of git's list of a tree."""

    mode: str
    kind: str
    blob: str
    size: str
    parts: Parts

    @property
    def problem(self) -> str:
        """Why it is no plain file of ours; empty where it is."""
        if self.kind != "blob":
            return "is a submodule: put the file itself there"
        if self.mode == "120000":
            return "is a link, and links are not followed: put the file itself there"
        if int(self.size) > MAX_BYTES:
            return f"{TOO_LARGE} ({int(self.size):,} bytes): make it smaller, or delete it"
        return ""


_NAMED = re.compile(r"[a-z0-9_]{1,80}(\.[a-z0-9]{1,16})?")
"""A part of a path that may be one of ours; nothing else is laid out."""


def _plain(text: str) -> str:
    return re.sub(r"[<>\x00-\x1f]", "", text).strip()
