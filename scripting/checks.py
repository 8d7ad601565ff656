"""System checks of the engine's settings and of the site around it, with ids and hints: `manage.py check --tag scripting`."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

from scripting import clock
from scripting.conf import CHANNEL_LAYER, PAGES_ROUTER, QUEUE, SERIALIZER, SETTINGS, conf, problems
from scripting.models import SHARED
from scripting.modules.installed import modules
from scripting.processes import members
from scripting.sources.folder import is_module_name, scripts_dir
from scripting.storage import database_clock
from scripting.telemetry.exporting import can_trace

ENGINE = "scripting"
"""The tag of the engine's checks. Commands ask for it alone: all checks load every page of the site, a second that no command needs."""
PAGES = "scripting_pages"
"""The tag of the checks of what our pages need."""
ONE_CALL = "or end the settings with `configure(globals(), redis_url=…)` of scripting.conf, which adds it"
WHO_ACTS = "scripting.insight.replica.WhoActs"
CONNECTIONS = 3
"""To the database that one process has at the most: of a worker's drain, heartbeat and listener; of a web process' requests, API and listener."""
REDIS_SCHEMES = {"redis", "rediss", "unix"}


@register(ENGINE)
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E001: a setting has a value that the engine cannot use."""
    values = {name: getattr(conf, name) for name in SETTINGS}
    return [
        Error(f"{name} {what}", hint=f"{SETTINGS[name].help} Default: {SETTINGS[name].default}.", id="scripting.E001")
        for name, what in problems(values)
    ]


@register(ENGINE)
def check_scripts_folder(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E002: the scripts folder cannot be used. A missing one is made when it is needed."""
    folder = scripts_dir()
    try:
        link = next((path for path in (folder, *folder.parents) if path.is_symlink()), None)
        is_other = folder.exists() and not folder.is_dir()
    except PermissionError as error:
        message = f"SCRIPTING_SCRIPTS_DIR: this process may not look at {error.filename}"
        return [Error(message, hint="Give its user (uid) the folder above it.", id="scripting.E002")]
    if link is not None:
        return [
            Error(
                f"SCRIPTING_SCRIPTS_DIR: {link} is a symbolic link, and links are not followed",
                hint=f"Set SCRIPTING_SCRIPTS_DIR to {folder.resolve()}.",
                id="scripting.E002",
            )
        ]
    if is_other:
        return [Error(f"SCRIPTING_SCRIPTS_DIR: {folder} is no folder", hint="Name a folder.", id="scripting.E002")]
    return []


@register(ENGINE)
def check_modules(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E003: a module's name cannot be one. E004: it takes the reserved name. W001: it runs a script that it does not ship."""
    from scripting.sources.embedded import embedded_defaults

    found: list[CheckMessage] = []
    for module in modules:
        if not is_module_name(module.name):
            hint = "Use a lower-case letter, then letters, digits and underscores, 64 at most."
            found.append(Error(f"module name {module.name!r} is not valid", hint=hint, obj=module, id="scripting.E003"))
        if module.name == SHARED:
            hint = "The module `shared` holds helpers; give this one another name."
            found.append(Error(f"module name {SHARED} is reserved", hint=hint, obj=module, id="scripting.E004"))
        try:
            shipped = {default.name for default in embedded_defaults(module)}
        except ModuleNotFoundError as error:
            hint = "Set `package` to the importable package that holds scripts/."
            found.append(Error(f"module {module.name}: {error}", hint=hint, obj=module, id="scripting.E005"))
            continue
        config = module.config
        handled = [(topic, script) for topic in config.message_handlers for script in config.handlers_of(topic)]
        kept = [(f"its schedule {each.name}", each.script) for each in config.schedules if each.script]
        found += [
            Warning(
                f"module {module.name} runs {script} on {source}, and ships no such script",
                hint=f"Add it to {module.package}/scripts/, or correct the name.",
                obj=module,
                id="scripting.W001",
            )
            for source, script in (*handled, *config.endpoint_scripts.items(), *kept)
            if script not in shipped
        ]
    return found


@register(ENGINE)
def check_redis(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E006: there is no Redis to carry events, or its address cannot be read. Whether it answers is for /readyz to say."""
    try:
        url = urlsplit(conf.SCRIPTING_REDIS_URL)
        url.port  # noqa: B018 - it is read when it is asked for
    except ValueError:  # whose text may hold a part of the password
        message = "SCRIPTING_REDIS_URL cannot be read: what stands behind the host is no port"
        hint = "Write signs of its password as an address takes them, / as %2F, : as %3A, # as %23: urllib.parse.quote(password, safe='') does."
        return [Error(message, hint=hint, id="scripting.E006")]
    if url.scheme in REDIS_SCHEMES and (url.netloc or url.path):
        return []
    shown = url._replace(netloc=url.netloc.rpartition("@")[2]).geturl()
    return [
        Error(
            f"SCRIPTING_REDIS_URL is {shown!r}: events have nowhere to go",
            hint="Set it to redis://host:6379/0, rediss://… or unix:///path/to/redis.sock?db=0.",
            id="scripting.E006",
        )
    ]


@register(ENGINE, Tags.database)
def check_database(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """W002: SQLite without write-ahead log makes readers wait. W003: its write transactions can fail instead of waiting."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        config = settings.DATABASES[alias]
        if not config["ENGINE"].endswith("sqlite3"):
            continue
        options = config.get("OPTIONS", {})
        if "journal_mode=wal" not in str(options.get("init_command", "")).lower().replace(" ", ""):
            hint = 'Add "PRAGMA journal_mode=WAL;" to OPTIONS["init_command"].'
            found.append(
                Warning(
                    f"database {alias}: SQLite without WAL: readers and the writer wait for each other",
                    hint=hint,
                    id="scripting.W002",
                )
            )
        if str(options.get("transaction_mode", "")).upper() != "IMMEDIATE":
            hint = 'Set OPTIONS["transaction_mode"] to "IMMEDIATE".'
            found.append(
                Warning(
                    f"database {alias}: SQLite transactions may fail with `database is locked`",
                    hint=hint,
                    id="scripting.W003",
                )
            )
        if str(config["NAME"]) == ":memory:":
            hint = "Name a file: workers are other processes."
            found.append(
                Error(f"database {alias}: a database in memory is not seen by workers", hint=hint, id="scripting.E007")
            )
    return found


@register(ENGINE, Tags.database)
def check_connections(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """W007: the processes that run now could ask PostgreSQL for more connections than it gives."""
    found: list[CheckMessage] = []
    for alias in databases or ():
        if connections[alias].vendor != "postgresql":
            continue
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute(
                    "SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
                )
                (most,) = cursor.fetchone()
            processes = len(members.everyone(()))
        except (DatabaseError, redis.RedisError):
            continue  # what is unavailable is said elsewhere
        needed = processes * CONNECTIONS + 1
        if needed > most:
            hint = f"Raise max_connections to {needed + 10} or more, put PgBouncer before it, or start fewer processes. What gets none waits, or answers 503."
            message = (
                f"database {alias}: {processes} processes can ask for {needed} connections, and PostgreSQL gives {most}"
            )
            found.append(Warning(message, hint=hint, id="scripting.W007"))
    return found


@register(ENGINE, Tags.database)
def check_clock(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """W008: this host's clock is not the database's."""
    if DEFAULT_DB_ALIAS not in (databases or ()):
        return []
    try:
        database_clock.time_of_database()
    except (DatabaseError, InterfaceError):
        return []  # what is unavailable is said elsewhere
    ahead = clock.ahead()
    if abs(ahead) < members.CLOCK_SECONDS:
        return []
    message = f"this host's clock is {database_clock.off_by(ahead)} the database's, whose time counts"
    hint = "Have NTP set the clock. Sessions, signed links and the logs of this host go by it all the same."
    return [Warning(message, hint=hint, id="scripting.W008")]


@register(ENGINE)
def check_tracing(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W009: traces are wanted, and what makes them is not installed."""
    if not conf.SCRIPTING_TRACING or can_trace():
        return []
    message = "SCRIPTING_TRACING is on, and OpenTelemetry is not installed: there are no traces"
    hint = 'pip install "goby[otel]" in every environment that runs the site, or switch SCRIPTING_TRACING off.'
    return [Warning(message, hint=hint, id="scripting.W009")]


@register(ENGINE, Tags.security, deploy=True)
def check_scripts_folder_is_ours(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W004: whoever may write to the scripts folder decides what runs."""
    folder: Path = scripts_dir()
    with contextlib.suppress(PermissionError):  # E002 says so
        if folder.is_dir() and folder.stat().st_mode & 0o002:
            hint = f"chmod o-w {folder}"
            return [Warning(f"everyone on this host may write to {folder}", hint=hint, id="scripting.W004")]
    return []


@register(ENGINE)
def check_replica(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E017: pages are to read from a database that there is not, or have no way to it. W010: nothing notes who acts."""
    alias = conf.SCRIPTING_PAGES_DATABASE
    if not alias:
        return []
    if alias == DEFAULT_DB_ALIAS or alias not in settings.DATABASES:
        known = ", ".join(sorted(set(settings.DATABASES) - {DEFAULT_DB_ALIAS})) or "none"
        message = f"SCRIPTING_PAGES_DATABASE is {alias!r}, which is no second database of DATABASES"
        return [Error(message, hint=f"Name the alias of a replica. There is: {known}.", id="scripting.E017")]
    if PAGES_ROUTER not in settings.DATABASE_ROUTERS:
        hint = f'Add "{PAGES_ROUTER}" to DATABASE_ROUTERS, {ONE_CALL}.'
        return [Error("no page reads the database of SCRIPTING_PAGES_DATABASE", hint=hint, id="scripting.E017")]
    if WHO_ACTS not in settings.MIDDLEWARE:
        hint = f'Add "{WHO_ACTS}" at the end of MIDDLEWARE.'
        return [Warning("who changes something may not see it on the next page", hint=hint, id="scripting.W010")]
    return []


@register(ENGINE, Tags.database)
def check_replica_is_one(app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """W012: what pages read as a replica takes writes of its own."""
    alias = conf.SCRIPTING_PAGES_DATABASE
    if alias not in (databases or ()) or connections[alias].vendor != "postgresql":
        return []
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            (is_replica,) = cursor.fetchone()
    except DatabaseError:
        return []  # what is unavailable is said elsewhere
    if is_replica:
        return []
    message = f"database {alias}: SCRIPTING_PAGES_DATABASE names no replica, but a server that takes writes"
    return [Warning(message, hint="Name a standby of the main database.", id="scripting.W012")]


# -- the site around the engine ------------------------------------------------------------------------------------------


@register(ENGINE)
def check_queue(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E008: RQ has no queue for drain jobs, or one whose serializer ends every job before it begins."""
    name = conf.queue(QUEUE)
    queue = (getattr(settings, "RQ_QUEUES", None) or {}).get(name)
    hint = f'Set RQ_QUEUES["{name}"] to {{"URL": SCRIPTING_REDIS_URL, "SERIALIZER": "{SERIALIZER}"}}, {ONE_CALL}.'
    if queue is None:
        return [Error(f"RQ_QUEUES has no queue {name!r}: no event is run", hint=hint, id="scripting.E008")]
    if queue.get("SERIALIZER") != SERIALIZER:
        message = f"the queue {name!r} of RQ_QUEUES has not the serializer of our workers: every drain job would fail"
        return [Error(message, hint=hint, id="scripting.E008")]
    return []


@register(ENGINE)
def check_channel_layer(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E009: notices reach no other process. W011: they are late, or a process may hang after a network that was gone for long."""
    layer = (getattr(settings, "CHANNEL_LAYERS", None) or {}).get("default")
    hint = f"Set the default one to {CHANNEL_LAYER} with your Redis as host, {ONE_CALL}."
    if not layer:
        return [Error("CHANNEL_LAYERS has no default layer: pages hear of no change", hint=hint, id="scripting.E009")]
    if layer.get("BACKEND") == "channels.layers.InMemoryChannelLayer":
        message = "CHANNEL_LAYERS keeps notices in one process: workers and other servers hear of no change"
        return [Error(message, hint=hint, id="scripting.E009")]
    if layer.get("BACKEND") == "channels_redis.pubsub.RedisPubSubChannelLayer":
        message = "a process that finds nobody at Redis' address for 45 s will hang, and fill the memory, with this channel layer"
        hint = f"Set the BACKEND of CHANNEL_LAYERS to {CHANNEL_LAYER}, which takes the same CONFIG."
        return [Warning(message, hint=hint, id="scripting.W011")]
    if layer.get("BACKEND") != CHANNEL_LAYER:
        message = "with this channel layer processes hear of a change by looking, four times a second"
        return [Warning(message, hint=hint, id="scripting.W011")]
    return []
