"""A message as each kind of receiver takes it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from datetime import datetime
from typing import Any

from scripting.models import AlertMessage, AlertReceiver
from scripting.texts.escaping import one_line

About, Kind = AlertMessage.About, AlertReceiver.Kind


def subject(message: AlertMessage) -> str:
    """One line: `Over: breakers: tavern/barkeeper …`."""
    if message.alert is None:
        return f"A test of {one_line(message.receiver.name, 100)}: messages arrive"
    over = "Over: " if message.about == About.ENDED else ""
    return f"{over}{one_line(message.alert.rule.name, 100)}: {one_line(message.alert.words, 400)}"


def text(message: AlertMessage) -> str:
    """The words of a mail."""
    alert = message.alert
    if alert is None:
        return f"{subject(message)}.\n"
    lines = [subject(message), "", f"Begun: {alert.begun_at:%Y-%m-%d %H:%M:%S %Z}"]
    if message.about == About.ENDED and alert.ended_at is not None:
        lines.append(f"Over: {alert.ended_at:%Y-%m-%d %H:%M:%S %Z}")
    return "\n".join(lines) + "\n"


def body(message: AlertMessage, now: datetime) -> bytes:
    """The body of the POST."""
    match message.receiver.kind:
        case Kind.SLACK:
            plain = subject(message).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            document: dict[str, Any] = {"text": plain}
        case Kind.DISCORD:
            document = {"content": subject(message)[:2000], "allowed_mentions": {"parse": []}}
        case _:
            document = _event(message, now)
    return json.dumps(document).encode()


def _event(message: AlertMessage, now: datetime) -> dict[str, Any]:
    alert, data = message.alert, dict[str, Any](words=subject(message))
    if alert is not None:
        data |= {
            "alert": alert.pk,
            "rule": alert.rule.name,
            "kind": alert.rule.kind,
            "cause": alert.cause,
            "begun_at": alert.begun_at.isoformat(),
            "ended_at": alert.ended_at.isoformat() if alert.ended_at else None,
        }
    return {"type": f"alert.{message.about}", "timestamp": now.isoformat(), "data": data}


def headers(message: AlertMessage, content: bytes, now: datetime) -> dict[str, str]:
    """With the signature of a webhook as https://www.standardwebhooks.com has it: over id, time and body."""
    found = {"Content-Type": "application/json", "User-Agent": "scripting-alerts"}
    if message.receiver.kind == Kind.WEBHOOK:
        mark, at = f"msg_{message.pk}", str(int(now.timestamp()))
        found |= {"webhook-id": mark, "webhook-timestamp": at}
        if message.receiver.secret:
            found["webhook-signature"] = f"v1,{signature(message.receiver.secret, mark, at, content)}"
    return found


def signature(secret: str, mark: str, at: str, content: bytes) -> str:
    """HMAC-SHA256 in base64. The key is what a secret `whsec_…` encodes; of another secret, its bytes."""
    key = secret.encode()
    with contextlib.suppress(ValueError):
        if secret.startswith("whsec_"):
            key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = b".".join((mark.encode(), at.encode(), content))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
