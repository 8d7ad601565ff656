"""Export one decision as a bundle that receipts/offline.py checks: the receipt, all that it covers and may be told, the way to its root."""

from __future__ import annotations

import base64
from typing import Any

from scripting.execution.receipts import calls_text, origin_text, outcome_text, record_text, salts_of
from scripting.execution.rows import decode_calls
from scripting.models import Execution, ScriptVersion
from scripting.models.execution import AttemptFields
from scripting.modules.masking import Mask, masks_of, without_text
from scripting.receipts.announced import Announced, announced
from scripting.receipts.offline import SALTED
from scripting.receipts.roots import activation_text, way_of_activation, way_of_receipt
from scripting.receipts.rows import is_emptied
from scripting.receipts.stored import Found, rows_of
from scripting.registry.reading import recorded
from scripting.registry.resolved import ScriptNotFound
from scripting.sandbox.protocol import decode_value
from scripting.texts.escaping import display

GONE = "the site has deleted it by its age"
SENSITIVE = "withheld: it holds what the site calls sensitive"
NOT_OUTSIDE = "withheld: the site does not tell it outside"
NO_ROOT = "the root of its day is not made yet: download the bundle again tomorrow"


def bundle_of(found: Found, *, outside: bool, texts: bool = True) -> dict[str, Any]:
    """All of a decision that may be told: nothing sensitive, and `outside` neither where it came from nor what it read."""
    document: dict[str, Any] = {"format": 1, "receipt": found.packed.hex()}
    withheld: dict[str, str] = {}
    row, tries = rows_of([found.receipt.execution_id]).get(found.receipt.execution_id, (None, []))
    if row is None:
        withheld |= dict.fromkeys(("record", "shown", *SALTED), GONE)
    else:
        document["record"] = record_text(row, tries).decode()
        contents = {
            "origin": origin_text(row),
            "inputs": bytes(row["inputs"]),
            "outcome": outcome_text(row),
            "calls": calls_text(row, tries),
        }
        hidden = _withheld(row, tries, outside=outside)
        withheld |= hidden
        salts = dict(zip(SALTED, salts_of(bytes(found.link.salt), found.receipt.execution), strict=True))
        document |= {
            name: {"salt": salts[name].hex(), "content": base64.b64encode(content).decode()}
            for name, content in contents.items()
            if name not in hidden
        }
        if "shown" not in hidden:
            document["shown"] = {"inputs": row["inputs_text"], "result": row["result_text"]}
        if "record" in hidden:
            del document["record"]
    if texts:
        document["texts"] = texts_of(found)
        if document["texts"] is None:
            withheld["texts"] = "no version decided, or its text is not known whole"
    else:
        withheld["texts"] = NOT_OUTSIDE
    document |= {"announced": _announcement(announced_for(found)), **way(found)}
    if document["root"] is None:
        withheld["root"] = NO_ROOT
    return {**document, "withheld": withheld}


def way(found: Found) -> dict[str, Any]:
    """The part of a bundle that is there once the day's root is made."""
    return {"root": way_of_receipt(found.link, found.place)}


def announced_for(found: Found) -> Announced:
    """Compare what decided with what was live when the run began; of a deleted execution, when it ended."""
    version = ScriptVersion.objects.filter(pk=found.receipt.version).select_related("script").first()
    bundle = found.receipt.bundle.hex() if any(found.receipt.bundle) else ""
    started = Execution.objects.filter(pk=found.receipt.execution_id).values_list("started_at", flat=True).first()
    return announced(found.receipt.script, started or found.finished_at, version, bundle, found.role)


def texts_of(found: Found) -> list[dict[str, Any]] | None:
    """The texts that decided, the script's first; None where none did."""
    version = ScriptVersion.objects.filter(pk=found.receipt.version).select_related("script").first()
    made: AttemptFields = Execution(version=version, bundle_digest=found.receipt.bundle.hex())
    try:
        bundle = recorded(made).bundle
    except ScriptNotFound:
        return None
    return [
        {"name": source.name, "language": source.language, "text": source.text, "knobs": dict(source.knobs)}
        for source in (bundle.script, *bundle.helpers)
    ]


def _announcement(told: Announced) -> dict[str, Any] | None:
    if told.activation is None:
        return None
    return {"activation": activation_text(told.activation), "root": way_of_activation(told.activation)}


def _withheld(row: dict[str, Any], tries: list[dict[str, Any]], *, outside: bool) -> dict[str, str]:
    """The parts that are not told, each with the reason."""
    execution = Execution(**row)
    inputs, made = masks_of(execution)
    found = {"origin": NOT_OUTSIDE, "calls": NOT_OUTSIDE} if outside else {}
    if made.text(execution.error_message) != execution.error_message:
        found["record"] = SENSITIVE
    if is_emptied(row):
        return found | dict.fromkeys(("shown", "inputs", "outcome", "calls"), GONE)
    if inputs.value(execution.inputs_value) != execution.inputs_value:
        found["inputs"] = SENSITIVE
    if made.value(execution.result_value) != execution.result_value:
        found["outcome"] = SENSITIVE
    if not outside and any(_tells_secrets(one, made) for one in (row, *tries)):
        found["calls"] = SENSITIVE
    # Masked when it was recorded, perhaps by other rules than those of today.
    given = execution.inputs_value
    as_shown = {display(inputs.value(each)) for each in (given, without_text(given))}  # earlier releases showed all
    result = "" if execution.result is None else display(made.value(execution.result_value))
    if execution.inputs_text not in as_shown or result != execution.result_text:
        found["shown"] = "withheld: the site's rules on what is sensitive have changed since"
    return found


def _tells_secrets(attempt: dict[str, Any], mask: Mask) -> bool:
    """Whether a log or a call of an attempt holds something that pages mask."""
    lines: list[Any] = [line.text for line in Execution(log=attempt["log"]).log_lines]
    for call in decode_calls(bytes(attempt["host_calls"])):
        lines += [decode_value(call.arguments), call.error]
        if call.answer is not None:
            lines.append(decode_value(call.answer))
    return any(mask.value(each) != each for each in lines)
