"""The policy that every script passes: RestrictedPython's closed list of syntax, with our own rules for names and guards.

In a sandbox that is its own process, what was admitted by name at check needs no guard at run: plain attributes, items, loops
and augmented assignments stay as they are. Guards (names beginning with `$`) stay where an attribute is written, where a format
string could walk attributes, and where text could show a memory address.

Longer than other modules because it is one table: one small method per kind of syntax, in the order of the language reference.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from RestrictedPython.transformer import RestrictingNodeTransformer

from scripting.sandbox.policy import inline, names, text_sums
from scripting.sandbox.policy.bound_methods import bound_methods
from scripting.sandbox.policy.format_strings import format_problem
from scripting.sandbox.policy.imports import HELPER_MODULE, ImportRules
from scripting.sandbox.policy.tree import of_kinds, walk

_Node = TypeVar("_Node", bound=ast.AST)


class PolicyFinding(Exception):
    """One thing that the policy refuses."""

    def __init__(self, node: ast.AST, message: str, hint: str = "", kind: str = "security_violation") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.line: int | None = getattr(node, "lineno", None)
        self.column_offset: int | None = getattr(node, "col_offset", None)
        self.end_line: int | None = getattr(node, "end_lineno", None)
        self.end_column_offset: int | None = getattr(node, "end_col_offset", None)


class ScriptPolicy(RestrictingNodeTransformer):
    """Refuses what a script may not do and puts the guards in. Findings are in `findings`, the module is changed in place."""

    def __init__(self, imports: ImportRules, bound: frozenset[str]) -> None:
        super().__init__()
        self.imports = imports
        self.bound = bound
        """Names that the script binds itself, in whatever scope."""
        self.findings: list[PolicyFinding] = []
        self.scopes: list[str] = ["module"]
        self.suspends = False
        """The script can leave a suspended generator whose end runs code."""
        self.future_annotations = False
        self.lacks_places = False
        """Some of the nodes put in have no place: see `complete_places`."""
        self._plain_names: set[str] = set()
        """Names that were used already, and that may be used anywhere."""
        self._yields: list[bool] = []
        self._owners: list[str | None] = [None]
        """The first argument of the method being visited, if the method never binds it anew: see visit_FunctionDef."""
        self._owner_written = False
        self._writing_methods: list[tuple[ast.FunctionDef, str]] = []
        """Methods that write attributes of their first argument, each with its name."""
        self._constructors: list[tuple[ast.FunctionDef, str]] = []
        """Of the class being visited, those that write attributes of their first argument, each with its name."""
        self._constructor_named = False
        """The class has `__init__` as a value somewhere: see visit_ClassDef."""
        self._keeps = True
        """Guards may be told in the text here: see inline."""
        self._repeats = False
        """Statements here are run again and again: they may take more code to be quicker."""

    # The walk: what ast.NodeTransformer and RestrictedPython do, with less to do for each node

    def visit(self, node: ast.AST) -> Any:
        kind = type(node)
        return (_METHODS.get(kind) or _method_of(kind))(self, node)

    def node_contents_visit(self, node: _Node) -> _Node:
        parts = node.__dict__
        for name in node._fields:
            part: Any = parts.get(name)
            kind: type = type(part)
            if kind is list:
                part[:] = self._visited(part)
            elif kind not in _ADMITTED and isinstance(part, ast.AST):
                new = (_METHODS.get(kind) or _method_of(kind))(self, part)
                if new is None:
                    delattr(node, name)
                elif new is not part:
                    setattr(node, name, new)
        return node

    def _visited(self, parts: list[Any]) -> list[Any]:
        found: list[Any] = []
        for part in parts:
            kind = type(part)
            if kind in _ADMITTED or not isinstance(part, ast.AST):
                new = part
            else:
                new = (_METHODS.get(kind) or _method_of(kind))(self, part)
            if isinstance(new, list):
                found += new
            elif new is not None or part is None:
                found.append(new)
        return found

    # What RestrictedPython calls

    def error(self, node: ast.AST, info: str) -> None:
        self.refuse(node, info[:1].lower() + info[1:].rstrip("."))

    def warn(self, node: ast.AST, info: str) -> None:
        """Its warnings say nothing to a designer."""

    def not_allowed(self, node: ast.AST) -> None:
        name = type(node).__name__
        message, hint = _SYNTAX.get(name, (f"{_words(name)} is not part of the script language", ""))
        self.refuse(node, message, hint)

    def check_name(self, node: ast.AST, name: str | None, allow_magic_methods: bool = False) -> None:
        problem = names.name_problem(name) if name is not None else None
        if problem:
            self.refuse(node, *problem)

    def refuse(self, node: ast.AST, message: str, hint: str = "", kind: str = "security_violation") -> None:
        self.findings.append(PolicyFinding(node, message, hint, kind))

    # Names and attributes

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self._plain_names or node.id.startswith(names.GENERATED):
            return node
        if self.scopes[-1] == "class" and node.id in names.OPERATOR_METHODS:
            self._constructor_named |= node.id == "__init__"
            return node  # __radd__ = __add__
        if node.id in names.REFUSED_BUILTINS and isinstance(node.ctx, ast.Load) and node.id not in self.bound:
            self.refuse(node, f'"{node.id}" is not offered to scripts', f"{names.REFUSED_BUILTINS[node.id]}")
        elif not (node.id == "__name__" and isinstance(node.ctx, ast.Load)):
            self.check_name(node, node.id)
        self.used_names[node.id] = True
        if node.id not in names.REFUSED_BUILTINS and not names.is_dunder(node.id):
            self._plain_names.add(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        write = not isinstance(node.ctx, ast.Load)
        problem = names.attribute_problem(node.attr, write=write)
        if problem:
            self.refuse(_at_attribute(node), *problem)
        node = self.node_contents_visit(node)
        if write:
            if isinstance(node.value, ast.Name) and node.value.id == self._owners[-1]:
                self._owner_written = True
            else:
                can_keep = self._keeps or isinstance(node.value, ast.Name)
                node.value = inline.written_to(node.value) if can_keep else _call("write", node.value)
            return node
        if node.attr in _GUARDED_ATTRIBUTES:
            return _call("getattr", node.value, ast.copy_location(ast.Constant(node.attr), node), at=node)
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return self.node_contents_visit(node)

    # Expressions

    def visit_Call(self, node: ast.Call) -> ast.AST:
        function = node.func
        if isinstance(function, ast.Attribute):
            if function.attr in names.OPERATOR_METHODS and self._is_super_call(function):
                return self._super_call(node, function)
            if function.attr == "__init__" and isinstance(function.value, ast.Name):
                return self._base_init(node, function)
            if (
                function.attr == "format"
                and isinstance(function.value, ast.Constant)
                and isinstance(function.value.value, str)
            ):
                return self._constant_format(node, function.value.value)
        elif isinstance(function, ast.Name) and function.id in {"isinstance", "issubclass"} and len(node.args) == 2:
            self._real_classes(node.args[1])
        elif self._is_text_of_one(node):
            node.func = _name("str" if self._keeps else "text", function)
            node = self.node_contents_visit(node)
            return inline.shown(node) if self._keeps else node
        return self.node_contents_visit(node)

    def _is_text_of_one(self, node: ast.Call) -> bool:
        """str(value): what the call of `str` does for one value, without the class that also stands for it in isinstance."""
        is_str = isinstance(node.func, ast.Name) and node.func.id == "str" and "str" not in self.bound
        return is_str and len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred)

    def _is_super_call(self, function: ast.Attribute) -> bool:
        """super().__init__(…) and its like."""
        base = function.value
        is_super = isinstance(base, ast.Call) and isinstance(base.func, ast.Name) and base.func.id == "super"
        return is_super and "super" not in self.bound and function.attr in names.SUPER_METHODS

    def _super_call(self, node: ast.Call, function: ast.Attribute) -> ast.AST:
        function.value = self.visit(function.value)
        node.args = [self.visit(argument) for argument in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        if function.attr != "__init__":
            return _call("scrub", node)
        function.value = inline.super_of_object(function.value, self._owners[-1])  # type: ignore[arg-type]
        return node

    def _base_init(self, node: ast.Call, function: ast.Attribute) -> ast.AST:
        """Base.__init__(self, …): what Base is and whose self it is shows at run only."""
        node.func = _name("init", function)
        node.args = [self.visit(argument) for argument in (function.value, *node.args)]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return node

    def _constant_format(self, node: ast.Call, template: str) -> ast.AST:
        problem = format_problem(template)
        if problem:
            self.refuse(node, *problem)
        node.args = [self.visit(argument) for argument in node.args]
        node.keywords = [self.visit(keyword) for keyword in node.keywords]
        return _call("scrub", node)

    def _real_classes(self, node: ast.expr) -> None:
        """Inside isinstance, `str` may be the builtin class itself, which is quicker than the one that scrubs."""
        if "str" in self.bound:
            return
        for part in node.elts if isinstance(node, ast.Tuple) else [node]:
            if isinstance(part, ast.Name) and part.id == "str":
                part.id = names.GENERATED + "str"

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if self._repeats and type(node.op) is ast.Add and self._keeps and self.scopes[-1] == "function":
            steps, parts = text_sums.parts_of(node, self._is_text_of_one)
            if parts:
                return text_sums.made_at_once(steps, [self._part_of_sum(part) for part in parts])
        node = self.node_contents_visit(node)
        if isinstance(node.op, ast.Mod) and not (_is_number(node.left) or _is_number(node.right)):
            is_text = isinstance(node.left, ast.Constant)
            return inline.remainder(node) if self._keeps and not is_text else _call("scrub", node)
        return node

    def _part_of_sum(self, node: ast.expr) -> text_sums.Part:
        """A part of a sum of texts; `text_sums` says of which it may be."""
        if type(node) is ast.Constant:
            return text_sums.Part(text_sums.Kind.CONSTANT, node)
        if type(node) is ast.Call:
            node.func = _name("str", node.func)
            node.args = [self.visit(node.args[0])]
            return text_sums.Part(text_sums.Kind.TEXT_OF_ONE, node)
        if type(node) is ast.JoinedStr:
            plain = self._has_only_numbers(node)
            return text_sums.Part(text_sums.Kind.ANY if plain else text_sums.Kind.FORMATTED, node)
        return text_sums.Part(text_sums.Kind.ANY, self.visit(node))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        if self._has_only_numbers(node):
            return node
        # What a single part gives can be of a class of the script's own, whose code a look would run.
        return inline.shown(node) if self._keeps and len(node.values) > 1 else _call("scrub", node)

    def _has_only_numbers(self, node: ast.JoinedStr) -> bool:
        """Visit the parts of an f-string; whether none of them can show an address."""
        plain = True
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                part.value = self.visit(part.value)
                if part.format_spec is not None:
                    self._format_spec(part.format_spec)
                plain = plain and _only_numbers(part)
            else:
                self.visit(part)
        return plain

    def _format_spec(self, spec: ast.expr) -> None:
        for part in getattr(spec, "values", ()):
            if isinstance(part, ast.FormattedValue):
                part.value = self.visit(part.value)
                if part.format_spec is not None:
                    self._format_spec(part.format_spec)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.AST:
        return self.node_contents_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        if node.is_async:
            self.refuse(node.target, *_ASYNC)
        return self.node_contents_visit(node)

    def _visit_without_keeping(self, node: ast.AST) -> Any:
        """Visit what names of the frame around it cannot be bound in, or what shares them with another frame."""
        keeps, self._keeps = self._keeps, False
        visited = self.node_contents_visit(node)
        self._keeps = keeps
        return visited

    visit_GeneratorExp = visit_ListComp = visit_SetComp = visit_DictComp = visit_arg = _visit_without_keeping

    def visit_Yield(self, node: ast.Yield) -> ast.AST:
        if self._yields:
            self._yields[-1] = True
        return self.node_contents_visit(node)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> ast.AST:
        if self._yields:
            self._yields[-1] = True
        return self.node_contents_visit(node)

    # Statements

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        target = node.targets[0]
        if self.scopes[-1] == "class" and isinstance(target, ast.Name) and target.id in names.CLASS_DECLARATIONS:
            self._class_declaration(node, target.id)
            return node
        return self.node_contents_visit(node)

    def _class_declaration(self, node: ast.Assign, name: str) -> None:
        listed = node.value.elts if isinstance(node.value, (ast.Tuple, ast.List)) else [node.value]
        for item in listed:
            text = item.value if isinstance(item, ast.Constant) else None
            known = isinstance(text, str) and text.isidentifier() and text not in _GUARDED_ATTRIBUTES
            if not known or names.attribute_problem(str(text)):
                self.refuse(
                    node, f"{name} must be a literal tuple of attribute names", f'write {name} = ("first", "second")'
                )
                return
        if len(node.targets) > 1:
            self.refuse(node, f"{name} must be assigned by itself")

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        node = self.node_contents_visit(node)
        if isinstance(node.op, ast.Mod) and not _is_number(node.value):
            self.lacks_places = True
            return _mod_assignment(node)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.target = self.visit(node.target)
        node.annotation = self._annotation(node.annotation)
        if node.value is not None:
            node.value = self.visit(node.value)
        return node

    def _annotation(self, node: ast.expr) -> Any:
        keeps, self._keeps = self._keeps, False
        visited = self.visit(node)
        self._keeps = keeps
        return visited

    def _visit_loop(self, node: ast.AST) -> ast.AST:
        outer, self._repeats = self._repeats, True
        visited = self.node_contents_visit(node)
        self._repeats = outer
        return visited

    visit_For = visit_While = _visit_loop

    def visit_With(self, node: ast.With) -> ast.AST:
        self._note_cleanup()
        return self.node_contents_visit(node)

    def visit_Try(self, node: ast.Try) -> ast.AST:
        self._note_cleanup()
        return self.node_contents_visit(node)

    def visit_Nonlocal(self, node: ast.Nonlocal) -> ast.AST:
        for name in node.names:
            self.check_name(node, name)
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        for name in node.names:
            self.check_name(node, name)
        return node

    def _note_cleanup(self) -> None:
        if len(self.scopes) > 1:
            self._cleanup = True

    _cleanup = False

    def visit_Import(self, node: ast.Import) -> ast.AST:
        for alias in node.names:
            self.used_names[alias.name] = True
            self._refuse_import(node, alias.name, self.imports.module_problem(alias.name))
            if alias.asname:
                self.check_name(node, alias.asname)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        if node.module == "__future__":
            self.future_annotations |= any(alias.name == "annotations" for alias in node.names)
            return ast.copy_location(ast.Pass(), node)
        if node.level:
            self.refuse(node, "relative imports are not allowed", "write from shared import name for a helper script")
            return node
        self.used_names[node.module or ""] = True
        for alias in node.names:
            self._refuse_import(node, node.module or "", self.imports.name_problem(node.module or "", alias.name))
            if alias.asname:
                self.check_name(node, alias.asname)
        return node

    def _refuse_import(self, node: ast.AST, module: str, problem: tuple[str, str] | None) -> None:
        if problem:
            is_helper = module.partition(".")[0] == HELPER_MODULE
            self.refuse(node, *problem, kind="not_found" if is_helper else "security_violation")

    # Functions and classes

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        if not (self.scopes[-1] == "class" and node.name in names.OPERATOR_METHODS):
            self._check_definition(node)
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        if node.returns is not None:
            node.returns = self._annotation(node.returns)
        for parameter in getattr(node, "type_params", ()):
            self.visit(parameter)
        self._check_arguments(node.args)
        self.scopes.append("function")
        self._yields.append(False)
        outer, self._cleanup = self._cleanup, False
        written, self._owner_written = self._owner_written, False
        node.args = self._defaults_outside(node.args)
        self._owners.append(_owner(node) if self.scopes[-2] == "class" else None)
        keeps, self._keeps = self._keeps, True
        repeats, self._repeats = self._repeats, False
        node.body = self._visit_all(node.body)
        self._keeps, self._repeats = keeps, repeats
        owner = self._owners.pop()
        if owner and self._owner_written:
            if node.name == "__init__" and not node.decorator_list:
                self._constructors.append((node, owner))
            else:
                self._writing_methods.append((node, owner))
        self._owner_written = written
        self.suspends |= self._yields.pop() and self._cleanup
        self._cleanup = outer
        self.scopes.pop()
        return node

    def _look_at_mark(self, method: ast.FunctionDef, owner: str) -> None:
        """One look at the mark of a script's own classes, at the cost of an attribute, stands for a guard at each write."""
        self.lacks_places = True
        mark = ast.Expr(ast.Attribute(ast.Name(owner, ast.Load()), names.OWN_MARK, ast.Load()))
        ast.copy_location(mark, method.body[0])
        method.body.insert(0, mark)

    def _check_definition(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        if names.is_dunder(node.name):
            hint = names.METHOD_HINTS.get(node.name, "choose a name without the double underscores")
            self.refuse(node, f'"{node.name}" may not be defined', hint)

    def _defaults_outside(self, arguments: ast.arguments) -> ast.arguments:
        """Defaults and annotations belong to the scope around the function."""
        inner = self.scopes.pop()
        visited = self.node_contents_visit(arguments)
        self.scopes.append(inner)
        return visited

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._check_arguments(node.args)
        node.args = self.node_contents_visit(node.args)
        self.scopes.append("function")
        self._yields.append(False)
        self._owners.append(None)  # its argument may bear the name of the method's, and a comprehension can write
        node.body = self.visit(node.body)
        self._owners.pop()
        self._yields.pop()
        self.scopes.pop()
        return node

    def _check_arguments(self, arguments: ast.arguments) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        for argument in every:
            if argument is not None:
                self.check_name(argument, argument.arg)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self._check_definition(node)
        for keyword in node.keywords:
            self.refuse(node, f'the class argument "{keyword.arg or "**"}" is not allowed', "write class Name(Base):")
        for parameter in getattr(node, "type_params", ()):
            self.visit(parameter)
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id == "type" and "type" not in self.bound:
                self.refuse(
                    base, "classes of classes are not allowed", "write a function that makes or changes the class"
                )
            self._real_classes(base)
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        node.bases = [self.visit(base) for base in node.bases]
        self.scopes.append("class")
        self._owners.append(None)
        keeps, self._keeps = self._keeps, False
        constructors, self._constructors = self._constructors, []
        named, self._constructor_named = self._constructor_named, False
        node.body = self._visit_all(node.body)
        if self._constructor_named:
            # Else it is called for an object that is being made, or through a guard: there is no other way to it.
            for constructor in self._constructors:
                self._look_at_mark(*constructor)
        self._constructors, self._constructor_named = constructors, named
        self._keeps = keeps
        self._owners.pop()
        self.scopes.pop()
        node.keywords = [ast.keyword("metaclass", _name("class", node))]
        ast.copy_location(node.keywords[0], node)
        return node

    def _visit_all(self, body: list[ast.stmt]) -> list[ast.stmt]:
        return [self.visit(statement) for statement in body]

    # match

    def _visit_parts(self, node: ast.AST) -> ast.AST:
        return self.node_contents_visit(node)

    visit_Match = visit_match_case = visit_MatchOr = _visit_parts
    visit_MatchValue = visit_MatchSingleton = visit_MatchSequence = _visit_parts

    def visit_MatchStar(self, node: ast.MatchStar) -> ast.AST:
        self.check_name(node, node.name)
        return node

    def visit_MatchAs(self, node: ast.MatchAs) -> ast.AST:
        self.check_name(node, node.name)
        return self.node_contents_visit(node)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> ast.AST:
        self.check_name(node, node.rest)
        return self.node_contents_visit(node)

    def visit_MatchClass(self, node: ast.MatchClass) -> ast.AST:
        for attribute in node.kwd_attrs:
            problem = names.attribute_problem(attribute)
            if attribute in _GUARDED_ATTRIBUTES:
                problem = f'a pattern may not take the attribute "{attribute}"', f"write value.{attribute} in the case"
            if problem:
                self.refuse(node, *problem)
        if isinstance(node.cls, ast.Name) and node.cls.id == "str" and "str" not in self.bound:
            node.cls.id = names.GENERATED + "str"
        return self.node_contents_visit(node)

    def visit_TemplateStr(self, node: ast.AST) -> ast.AST:
        """Python 3.14's, which RestrictedPython lets pass; what is inside has no guard and is no plain data."""
        self.not_allowed(node)
        return node

    def visit_Module(self, node: ast.Module) -> ast.AST:
        node.body = self._visit_all(node.body)
        if self._writing_methods:
            bound = set() if self.imports.helpers else bound_methods(node, _GUARDED_ATTRIBUTES)
            for method, owner in self._writing_methods:
                if method not in bound:
                    self._look_at_mark(method, owner)
        return node


_ASYNC = ("async code is not allowed", "write a plain function: host functions answer at once")
_SYNTAX: dict[str, tuple[str, str]] = {
    "AsyncFunctionDef": _ASYNC,
    "AsyncFor": _ASYNC,
    "AsyncWith": _ASYNC,
    "Await": _ASYNC,
    "TryStar": ("except* is not allowed", "write except (FirstError, SecondError) as error:"),
    "TypeAlias": ("type aliases are not allowed", "assign the class to a name"),
    "TypeVar": ("type parameters are not allowed", "leave the brackets after the name out"),
    "ParamSpec": ("type parameters are not allowed", "leave the brackets after the name out"),
    "TypeVarTuple": ("type parameters are not allowed", "leave the brackets after the name out"),
    "TemplateStr": ("template strings are not allowed", "use an f-string"),
}
_GUARDED_ATTRIBUTES = frozenset({"format", "format_map", "args"})
"""Read through a guard, which a pattern cannot have: not to be read by patterns."""


def bound_names(tree: ast.Module) -> frozenset[str]:
    """Every name that the module binds somewhere: assigned, defined, imported, caught, matched or taken as an argument."""
    found: set[str | None] = set()
    for node in of_kinds(tree, _BINDING):
        if type(node) is not ast.Name:
            found.add(_BINDING[type(node)](node))
        elif type(node.ctx) is ast.Store:
            found.add(node.id)
    return frozenset(name for name in found if name)


def bound_by(node: ast.AST) -> Iterable[str | None]:
    """The names that one node, without those inside it, binds."""
    binds = _BINDING.get(type(node))
    return (binds(node),) if binds is not None else ()


_BINDING: dict[type[ast.AST], Callable[[Any], str | None]] = {
    ast.Name: lambda node: node.id if isinstance(node.ctx, ast.Store) else None,
    ast.alias: lambda node: node.asname or node.name.partition(".")[0],
    ast.arg: lambda node: node.arg,
    ast.MatchMapping: lambda node: node.rest,
    **dict.fromkeys(
        (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar),
        lambda node: node.name,
    ),
}
"""The name that a node of a kind binds."""


def _owner(method: ast.FunctionDef) -> str | None:
    """The name of the method's first argument, unless something in the method binds it anew.

    One with `__` in it has a second spelling: in a class, `__self` is `_Class__self`.
    """
    arguments = [*method.args.posonlyargs, *method.args.args]
    if not arguments or "__" in arguments[0].arg:
        return None
    name = arguments[0].arg
    for node in walk(method):
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
            return None
        if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
            return None
        if node is not method and not isinstance(node, (ast.Name, ast.arg)) and name in bound_by(node):
            return None
    return name


def _mod_assignment(node: ast.AugAssign) -> ast.stmt:
    """`target %= value`, already visited, by the guard: what stands left is evaluated once, in names that no script can write."""
    statements: list[ast.stmt] = []

    def kept(name: str, value: ast.expr) -> ast.Name:
        statements.append(ast.copy_location(ast.Assign([ast.Name(names.GENERATED + name, ast.Store())], value), node))
        return _name(name, value)

    match node.target:
        case ast.Name(id=name):
            read: ast.expr = ast.Name(name, ast.Load())
        case ast.Attribute(value=value, attr=attribute):
            node.target.value = kept("target", value)
            owner = _name("target", node.target)
            read = (
                _call("getattr", owner, ast.Constant(attribute), at=node.target)
                if attribute in _GUARDED_ATTRIBUTES
                else ast.Attribute(owner, attribute, ast.Load())
            )
        case ast.Subscript(value=value, slice=index):
            node.target.value, node.target.slice = kept("target", value), kept("index", index)
            read = ast.Subscript(_name("target", node.target), _name("index", node.target), ast.Load())
    value = _call("imod", ast.copy_location(read, node.target), node.value, at=node)
    statements.append(ast.copy_location(ast.Assign([node.target], value), node))
    if len(statements) == 1:
        return statements[0]
    return ast.copy_location(ast.If(ast.copy_location(ast.Constant(True), node), statements, []), node)


def _name(guard: str, at: ast.AST) -> ast.Name:
    return ast.copy_location(ast.Name(names.GENERATED + guard, ast.Load()), at)


def _call(guard: str, *arguments: ast.expr, at: ast.AST | None = None) -> ast.Call:
    place = at or arguments[0]
    return ast.copy_location(ast.Call(_name(guard, place), list(arguments), []), place)


def _at_attribute(node: ast.Attribute) -> ast.AST:
    """A place that begins at the attribute's own name, where it is on one line."""
    place = ast.Pass()
    ast.copy_location(place, node)
    if node.end_lineno is not None and node.end_col_offset is not None:
        place.lineno = node.end_lineno
        place.col_offset = max(0, node.end_col_offset - len(node.attr.encode()))
    return place


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def _only_numbers(part: ast.FormattedValue) -> bool:
    """A format such as .2f takes numbers and text only, neither of which shows an address."""
    spec: Any = part.format_spec
    if isinstance(part.value, ast.Constant):
        return True
    return (
        part.conversion == -1
        and spec is not None
        and any(isinstance(value, ast.Constant) and value.value for value in spec.values)
    )


def _words(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", name).lower()


def _admitted() -> frozenset[type]:
    """Operators and contexts, which have no parts, that pass their visit without a finding: it would come out so each time. And plain values."""
    kinds = (ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop)
    found: set[type] = {type(None), str, int}
    for kind in (each for kinds_of in kinds for each in kinds_of.__subclasses__()):
        policy, node = ScriptPolicy(ImportRules({}, {}, set()), frozenset()), kind()
        if not kind._fields and policy.visit(node) is node and not policy.findings:
            found.add(kind)
    return frozenset(found)


def _method_of(kind: type[ast.AST]) -> Callable[[ScriptPolicy, Any], Any]:
    method = _METHODS[kind] = getattr(ScriptPolicy, f"visit_{kind.__name__}", ScriptPolicy.generic_visit)
    return method


_METHODS: dict[type[ast.AST], Callable[[ScriptPolicy, Any], Any]] = {}
"""How a kind of node is visited, once it was asked for."""
_ADMITTED: frozenset[type] = frozenset()
_ADMITTED = _admitted()
