"""`api_token`: make, list and revoke the tokens by which machines use the HTTP API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser

from scripting import clock
from scripting.access import tokens
from scripting.access.tokens import LIFETIME, LONGEST, Wanted, WrongToken
from scripting.management.commands.publish_script import author
from scripting.management.output import ScriptingCommand
from scripting.models import Action, ApiToken


class Command(ScriptingCommand):
    """Exit code 1 where a token cannot be made or revoked as asked for."""

    help = "Tokens of the HTTP API: `make NAME --user USER --action read … -m WHY`, `list`, `revoke ID -m WHY`."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="what", required=True, metavar="make | list | revoke")
        make = commands.add_parser("make", help="print a new token; it is shown this once")
        make.add_argument("name", help="the machine that will use it")
        make.add_argument("--user", required=True, help="on whose behalf; it can never do more than they can")
        make.add_argument(
            "--action", action="append", choices=Action.values, required=True, help="what it may do; once for each"
        )
        make.add_argument("--scripts", action="append", metavar="PATTERN", help="such as tavern/*; default: all")
        make.add_argument("--network", action="append", default=[], help="where it may come from; default: anywhere")
        make.add_argument("--days", type=int, default=LIFETIME.days, help="how long it lasts (%(default)s)")
        make.add_argument("--per-minute", type=int, metavar="N", help="requests in a minute; default: the site's")
        revoke = commands.add_parser("revoke", help="let a token open nothing any longer")
        revoke.add_argument("id", help="its readable part, as `list` shows it")
        for each in (make, revoke):
            each.add_argument("-m", "--message", required=True, help="why; kept with the token")
            each.add_argument("--by", metavar="NAME", help="who does it, by the name that they log in with")
        listing = commands.add_parser("list", help="every token, and when it was last used")
        for each in (make, revoke, listing):
            self.add_json(each)

    def handle(self, *, what: str, as_json: bool, **options: Any) -> None:
        try:
            {"make": self._make, "revoke": self._revoke, "list": self._list}[what](options, as_json)
        except WrongToken as wrong:
            self.fail(f"{wrong}.")

    def _make(self, options: dict[str, Any], as_json: bool) -> None:
        wanted = Wanted(
            options["name"],
            author(self, options["user"]),
            options["action"],
            options["scripts"] or ("*/*",),
            options["network"],
            timedelta(days=max(0, min(options["days"], LONGEST.days + 1))),
            options["per_minute"],
        )
        token, text = tokens.make(wanted, actor=author(self, options["by"]), reason=options["message"])
        if as_json:
            self.print_json({**_described(token), "token": text})
        else:
            self.stderr.write(f"{token}, until {token.expires_at:%Y-%m-%d}. Keep it now: it is not shown again.")
            self.say(text)

    def _revoke(self, options: dict[str, Any], as_json: bool) -> None:
        token = ApiToken.objects.filter(public_id=options["id"]).first()
        if token is None:
            self.misused(f"there is no token {options['id']}: `api_token list` shows them")
        tokens.revoke(token, actor=author(self, options["by"]), reason=options["message"])
        if as_json:
            self.print_json(_described(token))
        else:
            self.say(f"{token} is revoked.")

    def _list(self, options: dict[str, Any], as_json: bool) -> None:
        found = [_described(token) for token in ApiToken.objects.select_related("user")]
        if as_json:
            self.print_json({"tokens": found})
        elif not found:
            self.say("There are no tokens: `api_token make` makes one.")
        else:
            names = ("id", "name", "user", "state", "actions", "scripts", "expires", "used")
            self.print_table(names, [[_cell(each[name]) for name in names] for each in found])


def _described(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.public_id,
        "name": token.name,
        "user": str(token.user),
        "state": token.state(clock.now()),
        "actions": token.actions,
        "scripts": token.scripts,
        "networks": token.networks,
        "expires": token.expires_at.isoformat(timespec="minutes"),
        "used": token.last_used_at.isoformat(timespec="minutes") if token.last_used_at else None,
    }


def _cell(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value or "never")
