"""The admin's pages of scripts, versions, activations, executions and errors. Registering them is the purpose of these imports."""

from scripting.admin import activations, errors, executions, scripts, versions

__all__ = ["activations", "errors", "executions", "scripts", "versions"]
