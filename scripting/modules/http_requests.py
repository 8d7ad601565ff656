"""An HTTP request as the script of an endpoint sees it: listed headers alone, never what authenticates its sender."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from scripting.modules.scriptable import SECRET_HEADERS, ScriptableModule


@dataclass(frozen=True)
class EndpointRequest:
    """What came in, or what a designer tries a script on."""

    method: str
    path: str
    text: str
    """The body as it was written."""
    body: Any
    """The body as data, where it is any."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """As they came: a mapping that finds them in any case, or names spelled as the module lists them."""
    query: Mapping[str, str] = field(default_factory=dict)

    def script_context(self, module: ScriptableModule, endpoint: str) -> dict[str, Any]:
        """The context variables of a run on it."""
        return {
            "module": module.name,
            "endpoint": endpoint,
            "timestamp": int(time.time()),
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
