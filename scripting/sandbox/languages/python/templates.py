"""Templates of new scripts in Python. `scripting.workbench.beginnings` fills in the names that begin with $."""

from __future__ import annotations

from scripting.sandbox.languages.language import ENDPOINT, EVENT, HELPER

TEMPLATES = {
    EVENT: """\
# $purpose
#
# Answers an event: message["payload"] is what happened, `result` is what is decided.
# Ctrl-Space lists the variables, and what $module offers:
#   $function

EXAMPLE = {  # a $topic, so that you can run this right away
    "$field": $example,
}

message = get_context().get("message") or {}
payload = message.get("payload") or EXAMPLE

log(f"decided on {len(payload)} fields")

result = {
    "processed": True,
    "$field": payload.get("$field"),
}
""",
    ENDPOINT: """\
# $purpose
#
# Answers a request to an endpoint: http_request["body"] is what was sent, `result` is the answer.
# Ctrl-Space lists the variables, and what $module offers:
#   $function

request = get_context().get("http_request") or {}
body = request.get("body")
name = body.get("name", "you") if isinstance(body, dict) else "you"

log(f"asked by {name}")

# status and body; whatever else `result` is, is the body itself, with status 200
result = {"status": 200, "body": {"message": f"Hello, {name}!"}}
""",
    HELPER: """\
# $purpose
#
# A helper: other scripts write `from shared import $name`, then `$name.within(12, 0, 10)`.


def within(value, low, high):
    \"\"\"The value, or the bound that it passes.\"\"\"
    return min(high, max(low, value))
""",
}
