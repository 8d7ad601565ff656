"""The last release's schema, and the migrations that broke the rules before there was a release."""

from __future__ import annotations

LAST_RELEASE = {
    "scripting": "0031_shared_decisions",
    "wargame": "0003_log_and_moments",
    "goby_site": "0001_access_record",
}
"""Its last migration of each app, 0.1.0's. Whoever makes a release writes that release's here (docs/upgrades.md)."""

BEFORE_THE_FIRST = {
    ("scripting", "0004_history"),
    ("scripting", "0005_error_group_index"),
    ("scripting", "0007_attempt_log"),
    ("scripting", "0008_ten_minutes"),
    ("scripting", "0009_fallbacks"),
    ("scripting", "0010_rejected_files"),
    ("wargame", "0003_log_and_moments"),
}
"""Made before 0.1.0, when there was no release whose processes could have run under them. Nothing is ever added."""
