"""The process stack, as the configuration that supervisord reads."""

from __future__ import annotations

import configparser
import io
import os
import shlex
import sys
from pathlib import Path

from goby_site import paths
from goby_site.stack.redis_server import redis_config, redis_server_binary
from scripting.supervisor.light_parents import ENVIRONMENT

# The group of everything but Redis and the common parent of sandboxes: supervisord stops groups one after the other, and these must
# outlive their users.
RUNNERS = "goby"
WORKERS = 2

MANAGE = ("-m", "goby_site")


def tied(signal_name: str, *command: str) -> list[str]:
    """`command` so that it gets the signal when its parent dies."""
    return [sys.executable, "-E", "-s", str(Path(__file__).with_name("die_with_parent.py")), signal_name, *command]


def supervisor_socket() -> Path:
    """Where supervisord answers."""
    return paths.socket_dir() / "supervisor.sock"


def common_parent_socket() -> Path:
    """Where the common parent of all sandboxes answers, on Linux."""
    return paths.socket_dir() / "sandboxes.sock"


def runners(host: str, port: int) -> dict[str, tuple[str, ...]]:
    """The arguments that Python gets for each long-running part."""
    web: tuple[str, ...] = (
        "-m",
        "uvicorn",
        "goby_site.asgi:application",
        "--host",
        host,
        "--port",
        str(port),
    )
    web += (
        "--lifespan",
        "on",
        "--timeout-graceful-shutdown",
        "3",
        "--no-server-header",
        "--no-access-log",
        "--no-proxy-headers",
    )
    web += ("--ws-max-size", "65536")  # bytes of one message from a page, which has little to say
    return {
        "web": web,
        "worker": (*MANAGE, "run_worker"),
        "evidence": (*MANAGE, "run_worker", "--evidence"),
        "battle": (*MANAGE, "play_wargame"),
        "watcher": (*MANAGE, "watch_scripts"),
    }


def supervisor_config(host: str, port: int) -> str:
    """The text of supervisord.conf for the site on `host`:`port`.

    supervisord expands % in it, cuts values at a blank and a `;`, and splits commands at blanks; a folder may have any of
    these in its name. So the text has no path: those of var/ are relative, supervisord working there, and the others come
    from `supervisor_environment`, whose values are taken as they are.
    """
    config = configparser.RawConfigParser()
    config["supervisord"] = {
        "logfile": "log/supervisord.log",
        "pidfile": "supervisord.pid",
        "childlogdir": "log",
        "loglevel": "info",
        "silent": "true",
        "nodaemon": "true",
        "minfds": "256",
        "umask": "077",
        **({"user": "root"} if os.geteuid() == 0 else {}),
    }
    config["unix_http_server"] = {"file": "%(ENV_GOBY_STACK_SOCKET)s", "chmod": "0700"}
    config["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    if not os.environ.get("REDIS_URL"):
        config["program:redis"] = program("redis", "%(ENV_GOBY_STACK_REDIS)s", autostart=True, priority=1)
    if sys.platform == "linux":
        config["program:sandboxes"] = program("sandboxes", "%(ENV_GOBY_STACK_SANDBOXES)s", autostart=True, priority=1)
    parts = runners(host, port)
    for name, arguments in parts.items():
        command = f"%(ENV_GOBY_STACK_PYTHON)s {shlex.join(arguments)}"
        config[f"program:{name}"] = program(name, command, autostart=False, priority=10)
    config["program:worker"]["numprocs"] = str(WORKERS)
    config["program:worker"]["process_name"] = "worker-%(process_num)d"
    config["program:worker"]["stdout_logfile"] = "log/worker-%(process_num)d.log"
    config[f"group:{RUNNERS}"] = {"programs": ",".join(parts), "priority": "10"}
    text = io.StringIO()
    config.write(text)
    return text.getvalue()


def supervisor_environment() -> dict[str, str]:
    """Environment that supervisord.conf refers to. Writes redis.conf too. Raises NoRedisServer."""
    values = {
        "GOBY_STACK_FOLDER": str(paths.BASE_DIR),
        "GOBY_STACK_SOCKET": str(supervisor_socket()),
        "GOBY_STACK_PYTHON": shlex.join(tied("KILL", sys.executable)),
    }
    if not os.environ.get("REDIS_URL"):
        values["GOBY_STACK_REDIS"] = shlex.join(tied("KILL", *redis_command()))
    if sys.platform == "linux":
        values["GOBY_STACK_SANDBOXES"] = shlex.join(tied("KILL", *common_parent_command()))
    return values


def program(name: str, command: str, *, autostart: bool, priority: int) -> dict[str, str]:
    """A section that restarts the command whenever it ends: at once, then a second later with each quick failure."""
    return {
        "command": command,
        "directory": "%(ENV_GOBY_STACK_FOLDER)s",
        "autostart": str(autostart).lower(),
        "autorestart": "true",
        "startsecs": "2",
        "startretries": "1000000",
        "stopsignal": "TERM",
        "stopwaitsecs": "8",
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": f"log/{name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
        "priority": str(priority),
    }


def redis_command() -> tuple[str, ...]:
    """The command of the stack's own Redis, whose configuration is written anew."""
    data = redis_data_dir()
    config = data / "redis.conf"
    text = redis_config(data, paths.socket_dir() / "redis.sock", paths.redis_memory(), paths.redis_fsync())
    config.write_text(text, encoding="utf-8")
    return (str(redis_server_binary(data)), str(config))


def common_parent_command() -> tuple[str, ...]:
    """The command of the process that forks the light parents of all sandboxes. Its environment is that of a light parent."""
    environment = (f"{name}={value}" for name, value in ENVIRONMENT.items())
    alone = ("env", "-i", *environment, sys.executable, "-s", "-P", "-m", "scripting.sandbox")
    return (*alone, "--listen", str(common_parent_socket()))


def redis_data_dir() -> Path:
    """Where the stack's own Redis keeps its data."""
    return paths.private_dir(paths.var_dir() / "redis")
