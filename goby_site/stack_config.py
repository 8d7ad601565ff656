"""What the process stack consists of, as the configuration that supervisord reads."""

from __future__ import annotations

import configparser
import io
import os
import sys
from pathlib import Path

from goby_site import places
from goby_site.redis_server import redis_config, redis_server_binary

# The group of everything but Redis: supervisord stops groups one after the other, and Redis must outlive its users.
RUNNERS = "goby"
WORKERS = 2

MANAGE = (sys.executable, "manage.py")


def tied(signal_name: str, *command: str) -> list[str]:
    """`command` so that it gets the signal when its parent dies."""
    return [sys.executable, "-E", "-s", str(Path(__file__).with_name("tied.py")), signal_name, *command]


def supervisor_socket() -> Path:
    """Where supervisord answers."""
    return places.socket_dir() / "supervisor.sock"


def runners(host: str, port: int) -> dict[str, tuple[str, ...]]:
    """The command of each long-running part."""
    web: tuple[str, ...] = (
        sys.executable,
        "-m",
        "uvicorn",
        "goby_site.asgi:application",
        "--host",
        host,
        "--port",
        str(port),
    )
    web += ("--lifespan", "on", "--timeout-graceful-shutdown", "3", "--no-server-header", "--no-access-log")
    web += ("--ws-max-size", "65536")  # bytes of one message from a page, which has little to say
    return {
        "web": web,
        "worker": (*MANAGE, "run_worker"),
        "battle": (*MANAGE, "play_wargame"),
        "watcher": (*MANAGE, "watch_scripts"),
    }


def supervisor_config(host: str, port: int) -> str:
    """The text of supervisord.conf for the site on `host`:`port`. Writes redis.conf too. Raises NoRedisServer."""
    config = configparser.RawConfigParser()
    log = places.var_dir() / "log"
    config["supervisord"] = {
        "logfile": quoted_percent(str(log / "supervisord.log")),
        "pidfile": quoted_percent(str(places.var_dir() / "supervisord.pid")),
        "childlogdir": quoted_percent(str(log)),
        "loglevel": "info",
        "silent": "true",
        "nodaemon": "true",
        "minfds": "256",
        "umask": "077",
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    config["unix_http_server"] = {"file": quoted_percent(str(supervisor_socket())), "chmod": "0700"}
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    config["supervisorctl"] = {"serverurl": quoted_percent(f"unix://{supervisor_socket()}")}
    if not os.environ.get("REDIS_URL"):
        config["program:redis"] = program("redis", redis_command(), autostart=True, priority=1)
    parts = runners(host, port)
    for name, command in parts.items():
        config[f"program:{name}"] = program(name, command, autostart=False, priority=10)
    config["program:worker"]["numprocs"] = str(WORKERS)
    config["program:worker"]["process_name"] = "worker-%(process_num)d"
    config["program:worker"]["stdout_logfile"] = quoted_percent(str(log)) + "/worker-%(process_num)d.log"
    config[f"group:{RUNNERS}"] = {"programs": ",".join(parts), "priority": "10"}
    text = io.StringIO()
    config.write(text)
    return text.getvalue()


def program(name: str, command: tuple[str, ...], *, autostart: bool, priority: int) -> dict[str, str]:
    """A section that restarts the command whenever it ends: at once, then a second later with each quick failure."""
    return {
        "command": " ".join(quoted(word) for word in tied("KILL", *command)),
        "directory": quoted_percent(str(places.BASE_DIR)),
        "autostart": str(autostart).lower(),
        "autorestart": "true",
        "startsecs": "2",
        "startretries": "1000000",
        "stopsignal": "TERM",
        "stopwaitsecs": "8",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": quoted_percent(str(places.var_dir() / "log" / f"{name}.log")),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
        "priority": str(priority),
    }


def quoted(word: str) -> str:
    """A word of a command line as supervisord's reader splits it."""
    return '"' + quoted_percent(word.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def quoted_percent(text: str) -> str:
    """supervisord expands %(names)s in its values."""
    return text.replace("%", "%%")


def redis_command() -> tuple[str, ...]:
    """The command of the stack's own Redis, whose configuration is written anew."""
    data = places.private_dir(places.var_dir() / "redis")
    config = data / "redis.conf"
    config.write_text(redis_config(data, places.socket_dir() / "redis.sock"), encoding="utf-8")
    return (str(redis_server_binary()), str(config))
