"""System checks of the engine's settings and surroundings, with ids and hints."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 - Django's own name

from scripting.conf import SETTINGS, conf, problems
from scripting.models import SHARED
from scripting.modules.installed import modules
from scripting.sources.folder import is_module_name, scripts_dir

ENGINE = "scripting"
"""The tag of these checks. Commands ask for it alone: all checks load every page of the site, a second that no command needs."""
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
    link = next((path for path in (folder, *folder.parents) if path.is_symlink()), None)
    if link is not None:
        return [
            Error(
                f"SCRIPTING_SCRIPTS_DIR: {link} is a symbolic link, and links are not followed",
                hint=f"Set SCRIPTING_SCRIPTS_DIR to {folder.resolve()}.",
                id="scripting.E002",
            )
        ]
    if folder.exists() and not folder.is_dir():
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
        wanted = {**module.config.message_handlers, **module.config.endpoint_scripts}
        found += [
            Warning(
                f"module {module.name} runs {script} on {source}, and ships no such script",
                hint=f"Add it to {module.package}/scripts/, or correct the name.",
                obj=module,
                id="scripting.W001",
            )
            for source, script in wanted.items()
            if script not in shipped
        ]
    return found


@register(ENGINE)
def check_redis(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E006: there is no Redis to carry events. Whether it answers is for /readyz to say."""
    url = urlsplit(conf.SCRIPTING_REDIS_URL)
    if url.scheme in REDIS_SCHEMES and (url.netloc or url.path):
        return []
    return [
        Error(
            f"SCRIPTING_REDIS_URL is {conf.SCRIPTING_REDIS_URL!r}: events have nowhere to go",
            hint="Set it to redis://host:6379/0, rediss://… or unix:///path/to/redis.sock?db=0.",
            id="scripting.E006",
        )
    ]


@register(Tags.database)
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


@register(Tags.security, deploy=True)
def check_scripts_folder_is_ours(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """W004: whoever may write to the scripts folder decides what runs."""
    folder: Path = scripts_dir()
    if folder.is_dir() and folder.stat().st_mode & 0o002:
        hint = f"chmod o-w {folder}"
        return [Warning(f"everyone on this host may write to {folder}", hint=hint, id="scripting.W004")]
    return []
