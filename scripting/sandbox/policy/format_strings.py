"""Format strings that could walk attributes are refused."""

from __future__ import annotations

from _string import formatter_field_name_split, formatter_parser  # type: ignore[import-not-found]

from scripting.sandbox.policy.names import attribute_problem


def format_problem(template: str) -> tuple[str, str] | None:
    """Why the format string is refused: it names an attribute that scripts may not read. Faulty ones are left to fail."""
    try:
        for _, field, spec, _ in formatter_parser(template):
            if field is None:
                continue
            if "." in field or "[" in field:
                for is_attribute, name in formatter_field_name_split(field)[1]:
                    problem = attribute_problem(name) if is_attribute else None
                    if problem:
                        return problem
            if spec and "{" in spec:
                problem = format_problem(spec)
                if problem:
                    return problem
    except (ValueError, RecursionError):
        return None
    return None
