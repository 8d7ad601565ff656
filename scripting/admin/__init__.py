"""The admin's pages of scripts, versions, activations and executions. Registering them is the purpose of these imports."""

from scripting.admin import activations, executions, scripts, versions

__all__ = ["activations", "executions", "scripts", "versions"]
