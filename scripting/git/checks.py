"""System checks of the followed branch: the settings, and the program that it takes."""

from __future__ import annotations

import shutil
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register  # noqa: A004 - Django's own name

from scripting.checks import ENGINE
from scripting.conf import conf
from scripting.git.program import branch_problem, protocols, url_problem


@register(ENGINE)
def check_git(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """E016: the branch to follow is named in a way that is refused. W013: git is missing, so nothing is followed."""
    if not conf.SCRIPTING_GIT_URL:
        return []
    wrong = {
        "SCRIPTING_GIT_URL": url_problem(conf.SCRIPTING_GIT_URL, protocols()),
        "SCRIPTING_GIT_BRANCH": branch_problem(conf.SCRIPTING_GIT_BRANCH),
        "SCRIPTING_GIT_PUSH_BRANCH": conf.SCRIPTING_GIT_PUSH_BRANCH and branch_problem(conf.SCRIPTING_GIT_PUSH_BRANCH),
    }
    hint = "See docs/git.md for how a repository is named."
    found: list[CheckMessage] = [
        Error(f"{name} {problem}", hint=hint, id="scripting.E016") for name, problem in wrong.items() if problem
    ]
    if shutil.which("git") is None:
        message = "SCRIPTING_GIT_URL names a repository, and there is no program git: its branch is not followed"
        found.append(Warning(message, hint="Install git (apt install git).", id="scripting.W013"))
    return found
