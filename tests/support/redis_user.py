"""The Redis user of docs/examples/deploy/redis/users.acl, for tests that show that its list of commands is what the site needs."""

from __future__ import annotations

import redis

from goby_site.paths import BASE_DIR

NAME, PASSWORD = "goby", "a test's own"
SETINFO = (7, 2)
USERS = BASE_DIR / "docs" / "examples" / "deploy" / "redis" / "users.acl"


def rules() -> list[str]:
    """The user's line of the file, its password left out."""
    [line] = [line for line in USERS.read_text().splitlines() if line.startswith(f"user {NAME} ")]
    return [rule for rule in line.split()[2:] if not rule.startswith(">")]


def commands() -> set[str]:
    """Commands that it may use, without their subcommands."""
    return {rule[1:].partition("|")[0] for rule in rules() if rule.startswith("+")}


def make(client: redis.Redis) -> None:
    """Have the user in this server. Before 7.2 there is no CLIENT SETINFO to allow, as the page says."""
    version = tuple(map(int, client.info("server")["redis_version"].split(".")))
    client.execute_command(
        "ACL",
        "SETUSER",
        NAME,
        "reset",
        f">{PASSWORD}",
        *(rule for rule in rules() if version >= SETINFO or rule != "+client|setinfo"),
    )
    client.execute_command("ACL", "LOG", "RESET")


def refused(client: redis.Redis) -> list[str]:
    """Attempts since then that the rules do not allow: command, key or channel."""
    return [str(entry[b"object"]) for entry in map(_as_dict, client.execute_command("ACL", "LOG"))]


def _as_dict(entry: dict[bytes, object] | list[object]) -> dict[bytes, object]:
    if isinstance(entry, dict):
        return {name if isinstance(name, bytes) else str(name).encode(): value for name, value in entry.items()}
    return dict(zip(entry[::2], entry[1::2], strict=True))  # type: ignore[arg-type]
