"""copy for scripts: copies of their own data, never of what a function of ours is bound to."""

from __future__ import annotations

import copy as library
import types
from typing import Any


def copy(x: Any) -> Any:
    """A copy of the value; what it holds is the same."""
    return library.copy(x)


def deepcopy(x: Any) -> Any:
    """A copy of the value and of all that it holds."""
    return library.deepcopy(x)


def keep_bound_methods() -> None:
    """In this process, for good: a method stays bound to what it is bound to, unless that is a script's own object.

    Else a copy of `get_context` would be one of the sandbox's own objects as well.
    """
    dispatch: Any = library._deepcopy_dispatch  # type: ignore[attr-defined]
    bound = dispatch[types.MethodType]

    def keep(method: types.MethodType, memo: Any) -> Any:
        own = "__spec__" not in getattr(method.__func__, "__globals__", {"__spec__": None})
        return bound(method, memo) if own else method

    dispatch[types.MethodType] = keep


MEMBERS: dict[str, Any] = {"copy": copy, "deepcopy": deepcopy, "Error": library.Error}
