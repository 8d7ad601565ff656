"""Warnings of a check: calls that do not fit the function: too few arguments, too many, a name it does not have."""

from __future__ import annotations

import ast
import functools
import inspect
import types
from collections.abc import Iterator
from difflib import get_close_matches
from inspect import Parameter
from typing import Any

from scripting.sandbox.library.builtins import BUILTIN_NAMES, make_builtins
from scripting.sandbox.library.packages import PACKAGES
from scripting.sandbox.lint.finding import LanguageWarning, warning_at
from scripting.sandbox.lint.scopes import Scope, Scopes
from scripting.sandbox.lint.sure import Sure
from scripting.sandbox.lint.surroundings import Surroundings
from scripting.sandbox.policy.imports import HELPER_MODULE
from scripting.sandbox.protocol import SCRIPT_FUNCTIONS

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
_WITHOUT_ARGUMENTS = SCRIPT_FUNCTIONS.keys() - {"log"}
_BUILTINS = make_builtins({}, __import__, print)
_POSITIONAL = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)

Parameters = list[Parameter]


def calls(scopes: Scopes, sure: Sure, around: Surroundings) -> Iterator[LanguageWarning]:
    """A warning for each call of a known function that does not fit it."""
    known = _Known(scopes, around)
    seen: dict[tuple[str, Scope | None], tuple[str, Parameters] | None] = {}
    for node, scope in scopes.calls:
        written = _written(node.func)
        if not written:
            continue
        key = (written, scope.find(written.partition(".")[0]))
        if key not in seen:
            seen[key] = known.parameters(node.func, scope)
        found = seen[key]
        if found is None:
            continue
        shown, parameters = found
        problem = misfit(shown, parameters, node)
        if problem is not None:
            yield warning_at(node, *problem, certain=node in sure.always)


def _written(function: ast.expr) -> str:
    """`name` or `package.name`; empty for any other expression."""
    match function:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=package), attr=name):
            return f"{package}.{name}"
    return ""


def misfit(name: str, parameters: Parameters, call: ast.Call) -> tuple[str, str] | None:
    """One fault of a call, with what to do about it."""
    given = len(call.args)
    is_spread = any(isinstance(argument, ast.Starred) for argument in call.args)
    keywords = [keyword.arg for keyword in call.keywords if keyword.arg is not None]
    is_open = is_spread or len(keywords) < len(call.keywords)
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    kinds = {p.kind for p in parameters}
    signature = _shown(name, parameters)
    if not is_spread and given > len(positional) and Parameter.VAR_POSITIONAL not in kinds:
        allowed = _count(len(positional))
        return f"{name}() takes {allowed}, and {given} {'is' if given == 1 else 'are'} given here", f"it is {signature}"
    named = [p.name for p in parameters if p.kind in _NAMED]
    for keyword in keywords:
        if keyword not in named and Parameter.VAR_KEYWORD not in kinds:
            near = get_close_matches(keyword, named, 1)
            hint = f"did you mean {near[0]}? It is {signature}" if near else f"it is {signature}"
            return f'{name}() has no parameter "{keyword[:60]}"', hint
        if not is_spread and keyword in [p.name for p in positional[:given] if p.kind in _NAMED]:
            return f'{name}() is given "{keyword[:60]}" twice, by place and by name', f"it is {signature}"
    if is_open:
        return None
    rest = [p for p in positional[given:] if p.name not in keywords or p.kind is Parameter.POSITIONAL_ONLY]
    rest += [p for p in parameters if p.kind is Parameter.KEYWORD_ONLY and p.name not in keywords]
    missing = [p.name for p in rest if p.default is Parameter.empty]
    if missing:
        words = " and ".join(missing) if len(missing) < 3 else f"{', '.join(missing[:-1])} and {missing[-1]}"
        return f"{name}() is called without {words}", f"write {signature}"
    return None


def _count(number: int) -> str:
    return {0: "no arguments", 1: "one argument"}.get(number, f"{number} arguments")


def _shown(name: str, parameters: Parameters) -> str:
    """The call as one writes it."""
    parts: list[str] = []
    for one in parameters:
        if one.kind is Parameter.KEYWORD_ONLY and not any(part.startswith("*") for part in parts):
            parts.append("*")
        star = "*" if one.kind is Parameter.VAR_POSITIONAL else "**" if one.kind is Parameter.VAR_KEYWORD else ""
        parts.append(star + one.name + ("" if one.default is Parameter.empty else "=…"))
    return f"{name}({', '.join(parts)})"


class _Known:
    """The functions whose parameters are known."""

    def __init__(self, scopes: Scopes, around: Surroundings) -> None:
        self.scopes = scopes
        self.around = around
        self._helpers: dict[str, Scopes] = {}

    def parameters(self, function: ast.expr, scope: Scope) -> tuple[str, Parameters] | None:
        """Name and parameters of what is called; None where there is no telling."""
        if isinstance(function, ast.Name):
            return self._named(function.id, scope)
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            package = self._imported(function.value.id, scope)
            if package is not None and package[1] == "":
                return self._of_package(package[0], function.attr, f"{function.value.id}.{function.attr}")
        return None

    def _named(self, name: str, scope: Scope) -> tuple[str, Parameters] | None:
        if scope.find(name) is not None:
            imported = self._imported(name, scope)
            if imported is not None:
                return self._of_package(*imported, name)
            return _of_text(self.scopes, name, scope)
        if name in self.around.functions:
            listed = self.around.functions[name].parameters
            if listed is None:
                return None
            return name, [
                Parameter(p.name, getattr(Parameter, p.kind), default=Parameter.empty if p.required else None)
                for p in listed
            ]
        if name in _WITHOUT_ARGUMENTS:
            return name, []
        if name in BUILTIN_NAMES and name not in SCRIPT_FUNCTIONS and name != "print":
            return _of_value(name, _BUILTINS.get(name))
        return None

    def _imported(self, name: str, scope: Scope) -> tuple[str, str] | None:
        """(package, name in it) that a name stands for; ("math", "") of the package itself."""
        binding = self.scopes.sole(name, scope)
        if binding is None or binding.by != "import":
            return None
        for alias in binding.node.names:  # type: ignore[attr-defined] # an import statement
            if (alias.asname or alias.name.partition(".")[0]) != name:
                continue
            if isinstance(binding.node, ast.ImportFrom):
                module = binding.node.module or ""
                return (f"{module}.{alias.name}", "") if module == HELPER_MODULE else (module, alias.name)
            return (alias.name, "") if alias.asname or "." not in alias.name else None
        return None

    def _of_package(self, package: str, name: str, shown: str) -> tuple[str, Parameters] | None:
        root, _, helper = package.partition(".")
        if root == HELPER_MODULE:
            tree = self.around.helpers.get(helper)
            if tree is None:
                return None
            scopes = self._helpers.get(helper) or self._helpers.setdefault(helper, Scopes(tree))
            found = _of_text(scopes, name, scopes.top)
            return (shown, found[1]) if found else None
        if package not in PACKAGES:
            return None
        return _of_value(shown, vars(PACKAGES[package]).get(name))


def _of_text(scopes: Scopes, name: str, scope: Scope) -> tuple[str, Parameters] | None:
    """Of a function or class that the text defines once."""
    function = scopes.function(name, scope)
    if function is not None:
        return name, _of_arguments(function.args)
    binding = scopes.sole(name, scope)
    node = binding.node if binding is not None else None
    if not isinstance(node, ast.ClassDef) or node.bases or node.keywords or node.decorator_list:
        return None
    made = [part for part in node.body if getattr(part, "name", "") in {"__init__", "__new__"}]
    if not made:
        is_plain = all(isinstance(part, (ast.FunctionDef, ast.Assign, ast.Expr, ast.Pass)) for part in node.body)
        return (name, []) if is_plain and "__init__" not in scopes.of[node].bindings else None
    (first, *others) = made
    if others or not isinstance(first, ast.FunctionDef) or first.decorator_list:
        return None
    parameters = _of_arguments(first.args)
    return (name, parameters[1:]) if parameters and parameters[0].kind in _POSITIONAL else None


def _of_arguments(arguments: ast.arguments) -> Parameters:
    found: Parameters = []
    positional = [*arguments.posonlyargs, *arguments.args]
    needed = len(positional) - len(arguments.defaults)
    for number, one in enumerate(positional):
        kind = _POSITIONAL[number >= len(arguments.posonlyargs)]
        found.append(Parameter(one.arg, kind, default=Parameter.empty if number < needed else None))
    if arguments.vararg:
        found.append(Parameter(arguments.vararg.arg, Parameter.VAR_POSITIONAL))
    for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found.append(Parameter(one.arg, Parameter.KEYWORD_ONLY, default=Parameter.empty if default is None else None))
    if arguments.kwarg:
        found.append(Parameter(arguments.kwarg.arg, Parameter.VAR_KEYWORD))
    return found


def _of_value(name: str, value: Any) -> tuple[str, Parameters] | None:
    """Of a function of the library, where Python knows its signature."""
    found = _signature(value) if isinstance(value, _FUNCTIONS) else None
    return None if found is None else (name, list(found))


@functools.cache
def _signature(function: Any) -> tuple[Parameter, ...] | None:
    try:
        return tuple(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def learn_signatures() -> None:
    """Read the signatures of all that is offered, once for all sandboxes: of what is written in C they are parsed from text."""
    for members in (_BUILTINS, *map(vars, PACKAGES.values())):
        for value in members.values():
            _of_value("", value)
