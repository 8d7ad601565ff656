"""The examples that Hypothesis tries: in each run of the suite the same, however busy the machine is.

So no run fails that another would not. GOBY_HYPOTHESIS=large draws others each time: what it finds becomes an `@example` of its test.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

LARGE = os.environ.get("GOBY_HYPOTHESIS") == "large"


def choose() -> None:
    """Before any test is imported: each takes what it does not say itself from here."""
    settings.register_profile(
        "goby", deadline=None, derandomize=not LARGE, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("goby")
