"""Every setting of the scripting engine, each with its meaning, so longer than other modules. Odd values are refused by name.

A setting is read from Django's settings under its own name; `from_environment` lets a settings module take them from the
environment under the same name. `configure` does that, and adds what the engine needs of Django, channels and RQ.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.conf import global_settings, settings
from django.utils.functional import empty

from scripting.texts.redis_addresses import addresses_in, master_of
from scripting.types import SecurityLimits

T = TypeVar("T")

SETTINGS: dict[str, Setting[Any]] = {}
"""Every setting by its name, in the order of `ScriptingSettings`."""


class Setting(Generic[T]):
    """One setting, declared in `ScriptingSettings`; its type is that of its default."""

    name: str

    def __init__(self, default: T, kind: str, help: str) -> None:  # noqa: A002 - what Django calls it too
        self.default = default
        self.kind = kind
        self.help = help

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        SETTINGS[name] = self

    def __get__(self, instance: object, owner: type) -> T:
        # Looked up at each use, so that tests may override it; in what `settings` wraps, where a missing name is cheap. An event
        # looks up several: what a lazy object does to tell its own attributes from those that it wraps would cost it more.
        wrapped = object.__getattribute__(settings, "_wrapped")
        if wrapped is empty:
            settings._setup()
            wrapped = object.__getattribute__(settings, "_wrapped")
        return getattr(wrapped, self.name, self.default)

    def parse(self, text: str) -> T:
        """The value that the text of an environment variable stands for. Raises ValueError."""
        value: T = _PARSERS[self.kind](text.strip())
        return value


def _boolean(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("write true or false")


def _seconds(text: str) -> float:
    """`5`, `5s`, `250ms` or `2m`, as the original's durations are written."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s|m)?", text)
    if not match:
        raise ValueError("write a duration such as 5s or 250ms")
    return float(match[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0, None: 1.0}[match[2]]


def _share(text: str) -> float:
    if not re.fullmatch(r"0?\.\d+|[01](\.0*)?", text):
        raise ValueError("write a share such as 0.5")
    return float(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text):
        raise ValueError("write a whole number")
    return int(text)


FALLBACKS = ("previous", "default")
"""Fallbacks when the active version fails: the last good version before it, the embedded default."""


def _fallbacks(text: str) -> tuple[str, ...]:
    names = () if text == "none" else tuple(name.strip() for name in text.split(","))
    if wrong := fallbacks_problem(names):
        raise ValueError(wrong)
    return names


def fallbacks_problem(names: Any) -> str:
    """The problem of an order of fallbacks, with what to write; empty if there is none."""
    fits = isinstance(names, (tuple, list)) and len(set(names)) == len(names) and set(names) <= set(FALLBACKS)
    return "" if fits else f"must hold some of {', '.join(FALLBACKS)}, each once, in the order to try them; or none"


def networks_in(text: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """The networks that a text names, with commas or blanks between. Raises ValueError."""
    return [ipaddress.ip_network(part) for part in text.replace(",", " ").split()]


def _networks(text: str) -> str:
    networks_in(text)
    return text


def _are_networks(text: Any) -> bool:
    try:
        _networks(text)
    except (ValueError, AttributeError):
        return False
    return True


def _addresses(text: str) -> str:
    addresses_in(text)
    return text


def _are_addresses(text: Any) -> bool:
    try:
        _addresses(text)
    except (ValueError, AttributeError):
        return False
    return True


_PARSERS: dict[str, Any] = {
    "boolean": _boolean,
    "seconds": _seconds,
    "share": _share,
    "count": _count,
    "number": _count,
    "path": Path,
    "text": str,
    "networks": _networks,
    "addresses": _addresses,
    "fallbacks": _fallbacks,
}


class ScriptingSettings:
    """The settings in force: `conf.SCRIPTING_SHARDS`. Django's settings first, then the default."""

    HOT_RELOAD_SCRIPTS = Setting(True, "boolean", "Watch the scripts folder and take changed files.")
    SCRIPT_MAX_EXECUTION_TIME = Setting(5.0, "seconds", "Wall clock of one run.")
    SCRIPT_MAX_MEMORY_BYTES = Setting(32 << 20, "count", "Memory of one run above the idle sandbox.")
    SCRIPTING_SCRIPTS_DIR = Setting(Path("scripts"), "path", "Folder of the overrides, scripts/<module>/.")
    SCRIPTING_REDIS_URL = Setting("", "text", "Redis that carries events and notices.")
    SCRIPTING_REDIS_SENTINELS = Setting(
        "",
        "addresses",
        "Sentinels that know where Redis is; the host of SCRIPTING_REDIS_URL is then the master's name.",
    )
    SCRIPTING_REDIS_PREFIX = Setting(
        "goby", "text", "First part of every key, channel and queue in that Redis; sites that share one need one each."
    )
    SCRIPTING_SANDBOX_CAP = Setting(
        0,
        "number",
        "Sandboxes in one process, where the least recently used make room; 0: as many as memory has room for.",
    )
    SCRIPTING_SANDBOX_RUNS = Setting(1000, "count", "Runs after which a sandbox is retired.")
    SCRIPTING_COMMON_PARENT = Setting(
        "",
        "text",
        "Unix socket of `python -s -P -m scripting.sandbox --listen SOCKET`, which all processes of a machine have their sandboxes from, to save memory. The stack sets it.",
    )
    SCRIPTING_PROCESS_PER_RUN = Setting(False, "boolean", "Give every run a sandbox process of its own.")
    SCRIPTING_MAX_CONCURRENT = Setting(16, "count", "Executions at once in one process; more are refused or queued.")
    SCRIPTING_SHARDS = Setting(4, "count", "Event streams per module at the least; keys are spread over them.")
    SCRIPTING_MAX_SHARDS = Setting(
        256, "count", "Event streams per module at the most; between the two they follow the number of workers."
    )
    SCRIPTING_MAX_WAITING = Setting(
        25_000, "count", "Events that may wait in one stream; what is published beyond is refused, not lost."
    )
    SCRIPTING_PUBLISH_SECONDS = Setting(
        2.0, "seconds", "How long a publisher waits for Redis; after that it is unknown whether the event was accepted."
    )
    SCRIPTING_BATCH = Setting(128, "count", "Events that one commit may hold.")
    SCRIPTING_DRAIN_SECONDS = Setting(20.0, "seconds", "How long one drain job goes on before it hands over.")
    SCRIPTING_JOB_TIMEOUT = Setting(60.0, "seconds", "RQ's timeout of a drain job; must exceed the drain and one run.")
    SCRIPTING_MAX_DELIVERIES = Setting(3, "count", "Deliveries of an event before its execution ends abandoned.")
    SCRIPTING_MAX_DEPTH = Setting(8, "count", "Follow-up events deeper than this are recorded as refused.")
    SCRIPTING_BREAKER_FAILURES = Setting(5, "count", "Failures in a row that open a version's breaker.")
    SCRIPTING_BREAKER_RATE = Setting(0.5, "share", "Share of failures in the window that opens it, too.")
    SCRIPTING_BREAKER_WINDOW = Setting(60.0, "seconds", "Time over which the share of failures is counted.")
    SCRIPTING_BREAKER_RUNS = Setting(20, "count", "Attempts in the window below which the share does not count.")
    SCRIPTING_BREAKER_SECONDS = Setting(
        300.0, "seconds", "How long the fallback runs before the version is tried again."
    )
    SCRIPTING_FALLBACK = Setting[tuple[str, ...]](
        FALLBACKS, "fallbacks", "What runs when the active version fails, in order; the built-in rule comes last."
    )
    SCRIPTING_TIMEOUT_RETRIES = Setting(1, "number", "Times that a run is tried again after a timeout.")
    SCRIPTING_MEMORY_RETRIES = Setting(0, "number", "Times that a run is tried again after reaching its memory limit.")
    SCRIPTING_EXECUTION_RETRIES = Setting(0, "number", "Times that a run is tried again after an error of its own.")
    SCRIPTING_RETRY_SECONDS = Setting(0.1, "seconds", "Pause before the first retry; it doubles with each further one.")
    SCRIPTING_KEEP_DAYS = Setting(14, "count", "Days that executions are kept which succeeded or were skipped.")
    SCRIPTING_KEEP_FAILURE_DAYS = Setting(90, "count", "Days that all other executions are kept.")
    SCRIPTING_KEEP_COUNT = Setting(20_000_000, "count", "Executions kept in all; the oldest that succeeded go first.")
    SCRIPTING_KEEP_FAILURE_COUNT = Setting(1_000_000, "count", "Executions of one unusual outcome that are kept.")
    SCRIPTING_KEEP_PAYLOAD_DAYS = Setting(
        7, "count", "Days after which an execution that succeeded loses inputs, result, log and host calls."
    )
    SCRIPTING_KEEP_RESERVOIR = Setting(
        10_000, "number", "Executions of each script that keep their payloads whatever their age, for replays."
    )
    SCRIPTING_KEEP_ERROR_DAYS = Setting(
        365, "count", "Days after it was last seen that an error is kept; never less than its executions are."
    )
    SCRIPTING_RECEIPTS = Setting(True, "boolean", "Write a receipt of every execution.")
    SCRIPTING_KEEP_RECEIPT_DAYS = Setting(400, "count", "Days that receipts are kept, whatever becomes of executions.")
    SCRIPTING_RECEIPTS_DIR = Setting(Path("receipts"), "path", "Folder of the file that daily roots are published in.")
    SCRIPTING_SHARE_DAYS = Setting(
        30, "count", "Days after which a shared decision expires, unless it says another time."
    )
    SCRIPTING_SHARE_TEXT = Setting(False, "boolean", "Show texts of scripts on shared decisions and in their bundles.")
    SCRIPTING_METRICS_TOKEN = Setting(
        "", "text", "Bearer token of /metrics; without one it answers SCRIPTING_METRICS_NETWORKS alone."
    )
    SCRIPTING_METRICS_NETWORKS = Setting(
        "", "networks", "Networks that /metrics answers where it has no token, such as 127.0.0.1; none if empty."
    )
    SCRIPTING_TRACING = Setting(
        False, "boolean", "Make traces of OpenTelemetry, which its own variables (OTEL_…) configure."
    )
    SCRIPTING_TRACE_URL = Setting(
        "", "text", "Address of a trace where traces are looked at, with {trace_id} in it; no link if empty."
    )
    SCRIPTING_API_RATE = Setting(
        6000, "count", "Requests of one API token in a minute, where the token says nothing else."
    )
    SCRIPTING_GENERATION_MAX_AGE = Setting(0.05, "seconds", "How old the version generation that a run trusts may be.")
    SCRIPTING_POLL_SECONDS = Setting(5.0, "seconds", "How often versions are read from the database without a notice.")
    SCRIPTING_PAGES_DATABASE = Setting(
        "",
        "text",
        "Alias in DATABASES of a replica that lists, figures and exports of executions are read from; none if empty.",
    )
    SCRIPTING_PAGES_MAX_LAG = Setting(
        10.0, "seconds", "How far that replica may be behind; from then on pages read the main database."
    )
    SCRIPTING_BROWSER_PUBLISH = Setting(True, "boolean", "Allow publishing from the browser.")

    SCRIPTING_ALERT_NETWORKS = Setting(
        "", "networks", "Networks inside of which receivers of alerts may be, such as 10.1.2.0/24; none if empty."
    )
    SCRIPTING_GIT_URL = Setting("", "text", "Repository whose branch this site follows; none if empty.")
    SCRIPTING_GIT_BRANCH = Setting("main", "text", "The branch that is followed.")
    SCRIPTING_GIT_FOLDER = Setting("scripts", "text", "Folder of the rules in the repository, scripts/<module>/.")
    SCRIPTING_GIT_PUSH_BRANCH = Setting(
        "", "text", "Branch to which what was published in the browser is pushed; nothing is if empty."
    )
    SCRIPTING_GIT_PROTOCOLS = Setting("https,ssh", "text", "Protocols that git may speak.")
    SCRIPTING_GIT_TOKEN = Setting("", "text", "Token or password for https; only git sees it.")
    SCRIPTING_GIT_TOKEN_USER = Setting("git", "text", "User name that goes with the token.")
    SCRIPTING_GIT_SSH_KEY = Setting("", "text", "File of the key for ssh.")
    SCRIPTING_GIT_KNOWN_HOSTS = Setting("", "text", "File of the hosts that ssh trusts; that of the process if empty.")
    SCRIPTING_GIT_WEBHOOK_SECRET = Setting("", "text", "Secret of the webhook; without one there is none.")
    SCRIPTING_GIT_POLL_SECONDS = Setting(60.0, "seconds", "How often the branch is looked at without a webhook.")
    SCRIPTING_GIT_SECONDS = Setting(60.0, "seconds", "How long one call of git may take.")
    SCRIPTING_GIT_MAX_BYTES = Setting(256 << 20, "count", "Bytes that the copy of the repository may have.")
    SCRIPTING_GIT_DEPTH = Setting(50, "count", "Commits of the branch that are fetched.")
    SCRIPTING_GIT_DIR = Setting(Path("git"), "path", "Folder of the copy of the repository.")
    SCRIPTING_GIT_USER = Setting(
        "", "text", "User who publishes commits of authors that are no users here, and asks for reviews of them."
    )
    SCRIPTING_GIT_MAIL = Setting(
        "", "text", "E-mail of authors of commits, with {name} for who logs in; the user's own if empty."
    )
    SCRIPTING_MAIL_PEOPLE = Setting(False, "boolean", "E-mail people what reviews tell them, by Django's settings.")

    def queue(self, base: str) -> str:
        """The name of one of our queues in RQ: see `queue_name`."""
        return queue_name(base, self.SCRIPTING_REDIS_PREFIX)

    def default_limits(self) -> SecurityLimits:
        """The limits of a run whose module and script say nothing else."""
        return _limits(self.SCRIPT_MAX_EXECUTION_TIME, self.SCRIPT_MAX_MEMORY_BYTES)


@functools.lru_cache(maxsize=8)
def _limits(seconds: float, memory: int) -> SecurityLimits:
    return SecurityLimits(max_execution_time=seconds, max_memory_bytes=memory)


conf = ScriptingSettings()


def from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """The settings that `environ` names, parsed. Raises ValueError naming the variable and what to write."""
    found = {}
    for name, setting in SETTINGS.items():
        text = environ.get(name)
        if text:
            try:
                found[name] = setting.parse(text)
            except ValueError as error:
                raise ValueError(f"{name}={text!r}: {error}") from None
    return found


ADMIN = "django.contrib.admin"
FINDER = "scripting.workbench.ace_files.AceFinder"
PAGES_ROUTER = "scripting.storage.pages_database.PagesRouter"
SERIALIZER = "rq.serializers.JSONSerializer"
QUEUE = "scripting"
"""RQ's queue of drain jobs."""
EVIDENCE_QUEUE = "scripting-evidence"
"""RQ's queue of evidence jobs, see bus/evidence_jobs.py."""
CHANNEL_LAYER = "scripting.processes.channel_layer.RedisChannelLayer"


def queue_name(base: str, prefix: str) -> str:
    """RQ begins every key with `rq`: a site with a prefix of its own has it in the names of its queues instead."""
    return base if prefix == SETTINGS["SCRIPTING_REDIS_PREFIX"].default else f"{prefix}-{base}"


def configure(settings: MutableMapping[str, Any], *, redis_url: str = "") -> None:
    """Complete a site's settings, as their last line: `configure(globals(), redis_url="redis://host:6379/0")`.

    Adds what the engine and its pages need under Django's own admin and changes nothing that is there: what is there and does
    not fit, `manage.py check` tells. Our settings may come from the environment. Raises ValueError for an odd value in it.
    """
    for name, value in from_environment(os.environ).items():
        settings.setdefault(name, value)
    url = settings.setdefault("SCRIPTING_REDIS_URL", redis_url or os.environ.get("REDIS_URL", ""))
    if "BASE_DIR" in settings:
        settings.setdefault("SCRIPTING_SCRIPTS_DIR", Path(settings["BASE_DIR"]) / "scripts")
        settings.setdefault("SCRIPTING_RECEIPTS_DIR", Path(settings["BASE_DIR"]) / "receipts")
        settings.setdefault("SCRIPTING_GIT_DIR", Path(settings["BASE_DIR"]) / "git")
    settings.setdefault("LOGIN_URL", "admin:login")
    settings["INSTALLED_APPS"] = _with_apps(list(settings.get("INSTALLED_APPS", ())))
    if settings.get("SCRIPTING_PAGES_DATABASE"):
        routers = list(settings.get("DATABASE_ROUTERS", ()))
        settings["DATABASE_ROUTERS"] = [*([] if PAGES_ROUTER in routers else [PAGES_ROUTER]), *routers]
    finders = list(settings.get("STATICFILES_FINDERS", global_settings.STATICFILES_FINDERS))
    settings["STATICFILES_FINDERS"] = [*finders, *([] if FINDER in finders else [FINDER])]
    if url:
        queues = settings.setdefault("RQ_QUEUES", {})
        prefix = settings.get("SCRIPTING_REDIS_PREFIX", SETTINGS["SCRIPTING_REDIS_PREFIX"].default)
        sentinels = addresses_in(settings.get("SCRIPTING_REDIS_SENTINELS", ""))
        where = _for_queues(url, sentinels)
        for base in (QUEUE, EVIDENCE_QUEUE):
            queues.setdefault(queue_name(base, prefix), where | {"SERIALIZER": SERIALIZER, "DEFAULT_TIMEOUT": 60})
        layers = settings.setdefault("CHANNEL_LAYERS", {})
        layers.setdefault(
            "default",
            {"BACKEND": CHANNEL_LAYER, "CONFIG": {"hosts": [_for_channels(url, sentinels)], "prefix": prefix}},
        )


def _for_queues(url: str, sentinels: list[tuple[str, int]]) -> dict[str, Any]:
    """Where Redis is, as django-rq is told."""
    if not sentinels:
        return {"URL": url}
    name, options = master_of(url)
    return {"SENTINELS": sentinels, "MASTER_NAME": name, "CONNECTION_KWARGS": options}


def _for_channels(url: str, sentinels: list[tuple[str, int]]) -> str | dict[str, Any]:
    """Where Redis is, as channels-redis is told."""
    if not sentinels:
        return url
    name, options = master_of(url)
    return {"sentinels": sentinels, "master_name": name, **options}


def _with_apps(apps: list[str]) -> list[str]:
    """The apps with those that our pages need; the theme goes behind the admin, where it changes no page but ours."""
    admin = next((place for place, app in enumerate(apps) if app == ADMIN or app.endswith("AdminConfig")), None)
    if admin is not None and not any(app.split(".")[0] == "unfold" for app in apps):
        apps.insert(admin + 1, "unfold.apps.BasicAppConfig")
    for app in ("simple_history", "scripting"):
        if not any(one == app or one.startswith(f"{app}.") for one in apps):
            apps.append(app)
    return apps


def problems(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(setting, what is wrong and what to write) for every odd value among `values`."""
    found = []
    for name, setting in SETTINGS.items():
        value = values.get(name, setting.default)
        match setting.kind:
            case "fallbacks" if wrong := fallbacks_problem(value):
                found.append((name, f"{wrong}, not {value!r}"))
            case "networks" if not _are_networks(value):
                found.append((name, f"must name networks such as 10.1.2.0/24, with commas between, not {value!r}"))
            case "addresses" if not _are_addresses(value):
                found.append((name, f"must name addresses such as 10.0.4.1:26379, with commas between, not {value!r}"))
            case "boolean" if not isinstance(value, bool):
                found.append((name, f"must be true or false, not {value!r}"))
            case "seconds" if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                found.append((name, f"must be a positive number of seconds, not {value!r}"))
            case "share" if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
                found.append((name, f"must be a share above 0, 1 at the most, not {value!r}"))
            case "number" if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                found.append((name, f"must be a whole number from zero, not {value!r}"))
            case "count" if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                found.append((name, f"must be a whole number above zero, not {value!r}"))
    if not found:
        job, drain = (values.get(n, SETTINGS[n].default) for n in ("SCRIPTING_JOB_TIMEOUT", "SCRIPTING_DRAIN_SECONDS"))
        run = values.get("SCRIPT_MAX_EXECUTION_TIME", SETTINGS["SCRIPT_MAX_EXECUTION_TIME"].default)
        if job <= drain + run:
            found.append(
                (
                    "SCRIPTING_JOB_TIMEOUT",
                    f"must exceed SCRIPTING_DRAIN_SECONDS + SCRIPT_MAX_EXECUTION_TIME ({drain + run} s)",
                )
            )
    return found


MIB = 1 << 20


SHORTEST, LONGEST = 0.01, 3600.0


LEAST, MOST = 1, 4096
