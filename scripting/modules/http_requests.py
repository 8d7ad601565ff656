"""An HTTP request as the script of an endpoint sees it: listed headers alone, never what authenticates its sender."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from scripting import clock
from scripting.modules.scriptable import SECRET_HEADERS, ScriptableModule
from scripting.modules.topics import NOT_PLAIN


class RequestMisfit(ValueError):
    """A request does not fit its endpoint's schema. The message is for its sender; `field` is the path of what is wrong."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class EndpointRequest:
    """One request that came in, or one that a designer tries a script on."""

    method: str
    path: str
    text: str
    """The body as it was written."""
    body: Any
    """The body as data, where it is any."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """As they came: a mapping that finds them in any case, or names spelled as the module lists them."""
    query: Mapping[str, Any] = field(default_factory=dict)
    is_form: bool = False
    """Whether the body came from a form, whose values are all text."""

    def fitted(self, module: ScriptableModule, endpoint: str) -> EndpointRequest:
        """The request as the endpoint's schemas have it, defaults filled in. Raises RequestMisfit."""
        fitted, config = self, module.config
        if (body := config.endpoint_bodies.get(endpoint)) is not None:
            fitted = replace(fitted, body=_fitted("body", self._fields(), body, strict=not self.is_form))
        if (query := config.endpoint_queries.get(endpoint)) is not None:
            fitted = replace(fitted, query=_fitted("query", self.query, query, strict=False))
        return fitted

    def _fields(self) -> Any:
        if not self.text and not self.body:
            return {}
        if self.body is self.text:
            raise RequestMisfit(f"body: {self._why_no_data()}", "body")
        return self.body

    def _why_no_data(self) -> str:
        if self.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            return "send a form, or JSON with Content-Type: application/json"
        try:
            json.loads(self.text)
        except ValueError as error:
            return f"it is no JSON: {error}"
        except RecursionError:
            pass
        return "it is nested too deeply, or has half a character in it"

    def script_context(self, module: ScriptableModule, endpoint: str) -> dict[str, Any]:
        """The context variables of a run on it."""
        return {
            "module": module.name,
            "endpoint": endpoint,
            "timestamp": int(clock.seconds()),
            "http_request": {
                "method": self.method,
                "path": self.path,
                "headers": self._visible_headers(module),
                "query": dict(self.query),
                "body": self.body,
            },
            "http_method": self.method,
            "http_path": self.path,
            "http_body": self.text,
        }

    def _visible_headers(self, module: ScriptableModule) -> dict[str, str]:
        """The headers that the module lists; secret ones never, whatever it lists."""
        return {
            name: self.headers[name]
            for name in module.config.headers
            if name in self.headers and name.lower() not in SECRET_HEADERS
        }


_PLACE = re.compile(r" - at `\$(.*)`$")
_NAMED = re.compile(r"(?:missing required|unknown) field `(.+?)`")


def _fitted(part: str, given: Any, schema: type[msgspec.Struct], *, strict: bool) -> Any:
    """A request's body or query as its schema has it. Raises RequestMisfit."""
    try:
        return msgspec.to_builtins(msgspec.convert(given, schema, strict=strict), builtin_types=(bytes,))
    except NOT_PLAIN as error:
        text = str(error)[:500] or "it is nested too deeply"
        place, named = _PLACE.search(text), _NAMED.search(text)
        field = f"{part}{place[1] if place else ''}{f'.{named[1]}' if named else ''}"
        raise RequestMisfit(f"{field}: {_PLACE.sub('', text)}", field) from None
