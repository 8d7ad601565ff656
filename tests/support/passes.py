"""Which tests each pass of `make test` runs, and in which order: nothing runs again where nothing can come out otherwise.

- SQLite: every test.
- PostgreSQL: of the tests that may reach the database under test, those that send each kind of statement to each table
  there, and all on transactions, locks, changes at once, plans, upgrades, and values that a database may refuse.
  pytest-django refuses the database to a test that asks for none of its fixtures, and a whole stack of a test works on a SQLite
  file of its own: these came out on SQLite already. So did browsers (`e2e`): they show what the pages' tests without one get
  from either database. Files whose statements others send too are in a table. `any_database` marks what runs all the same: it
  reaches the database in a way of its own, or is the one that sends a statement.
- A newer Python: the sandbox and its languages, processes, values, commands and texts; of pages every address once, by one
  who is let in, and one whole stack (`any_python`), which serves, plays and runs its events there. Other stacks and browsers are left out,
  and so is what rows and their order alone decide: it asks of Python what all its versions do alike.
- `once` marks what the database and the version of Python have no part in: signals, the kernel, Redis, dice, rows already
  shown on the other database by a test beside it.

Two tables name what else a pass leaves out, each with its reason. What they do not name runs.
"""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from goby_site.paths import BASE_DIR

if TYPE_CHECKING:
    from xdist.remote import Producer

DATABASE_FIXTURES = {"db", "transactional_db", "django_db_reset_sequences", "live_server"}

SAME_ON_POSTGRESQL = {
    "tests/admin/test_already_active.py": "what a page says; tests/registry has its statements",
    "tests/admin/test_executions.py": "a list and a story; their statements are those of tests/insight",
    "tests/admin/test_open_breakers.py": "a list, whose statements are those of tests/insight/test_open_breakers.py",
    "tests/admin/test_policy.py": "headers and templates: its statements are those of the pages' own tests",
    "tests/admin/test_scripts.py": "forms and lists: their statements are those of tests/registry and of the other pages",
    "tests/api/test_doors.py": "who is let in: decided by permissions, read as in test_tokens.py",
    "tests/api/test_express.py": "what is answered before Django; what is read for it is read in test_tokens.py and tests/registry too",
    "tests/api/test_requests.py": "what requests do is done by tests/registry, tests/subscriptions, tests/evidence, with the same statements",
    "tests/api/test_whole_releases.py": "texts, values and cases together; each statement is one of tests/registry or tests/evidence",
    "tests/client": "a program that knows the HTTP API alone, whose statements are those of tests/api",
    "tests/commands/test_check_scripts.py": "checks files in a sandbox; the game that it knows was made as everywhere",
    "tests/commands/test_other_commands.py": "what commands print; their statements are those of tests/registry",
    "tests/commands/test_run_script.py": "what a command prints; its statements are those of tests/engine",
    "tests/commands/test_without_redis.py": "what commands say without Redis",
    "tests/docs/test_clients.py": "programs that know the HTTP API alone, whose statements are those of tests/api",
    "tests/endpoints/test_callers_fault.py": "whose fault a request is; test_endpoints.py has the statements",
    "tests/endpoints/test_endpoints.py": "what callers are answered; tests/engine has the statements",
    "tests/engine/test_budgets.py": "counts of exchanges and statements, which no database changes",
    "tests/engine/test_execute_source.py": "texts that are not stored; test_execute.py has the statements",
    "tests/evidence/test_gate.py": "what the gate lets through; the marked ones, test_gate_meets.py and test_gate_plays.py have the statements",
    "tests/evidence/test_gate_ways.py": "every way asks the gate, whose statements are those of test_gate.py; each way has tests of its own",
    "tests/evidence/test_replay_script.py": "what a command prints; test_replays.py has the statements",
    "tests/evidence/test_replays.py": "what a sandbox decides again; test_jobs.py reads the records and writes the reports",
    "tests/evidence/test_simulate.py": "what a command prints; test_plays.py has the statements",
    "tests/execution/test_breaker.py": "when a version is set aside, by rows and the clock; the marked ones have the statements",
    "tests/execution/test_masking.py": "what is hidden where pages show it",
    "tests/git/test_following.py": "what git says; test_pages.py has the rows",
    "tests/hot_reload/test_fleet.py": "who has loaded what is in Redis; each statement is one of tests/registry",
    "tests/hot_reload/test_real_parts.py": "what a stopped worker does next: tests/registry has its statements",
    "tests/hot_reload/test_succession.py": "which of two watchers is active is decided in Redis",
    "tests/insight/test_pages.py": "what pages tell; the marked ones, test_listing.py and test_plans.py have the statements",
    "tests/insight/test_processes.py": "who runs is in Redis",
    "tests/insight/test_prometheus.py": "figures as text; tests/metrics and test_plans.py have the statements",
    "tests/insight/test_story.py": "what a page tells; test_pages.py and test_listing.py have the statements",
    "tests/insight/test_times.py": "how a page shows times",
    "tests/languages/test_battle.py": "a battle on scripts of each language; its statements are those of tests/wargame",
    "tests/languages/test_override.py": "the same statements as tests/hot_reload and tests/registry, for each pair of languages",
    "tests/processes/test_life.py": "asks the kernel alone",
    "tests/registry/test_active.py": "any order of changes against a model of the rules; each change has tests beside it",
    "tests/registry/test_certain_failures.py": "what a check is certain of; test_publishing.py has the statements",
    "tests/registry/test_helpers.py": "what an import means; test_publishing.py and test_at_once.py have the statements",
    "tests/registry/test_knobs.py": "what values of knobs mean; test_segments.py and test_schedules.py have the statements",
    "tests/site/test_demo.py": "who may log in from where: decided by address and setting",
    "tests/site/test_hostile_text.py": "templates escape it, those of Django and ours",
    "tests/site/test_names.py": "names of pages and entries of the menu",
    "tests/site/test_permissions.py": "asks at each address who is let in; test_hostile_values.py asks each on PostgreSQL too",
    "tests/site/test_throttle.py": "failures are counted in Redis",
    "tests/site/test_ways.py": "links between pages",
    "tests/sources/test_extraction.py": "files written; what is read for them is read in tests/registry too",
    "tests/sources/test_overrides.py": "files taken; each statement is one of tests/registry or of the other files here",
    "tests/sources/test_sets.py": "files taken together; each statement is one of tests/registry or of the other files here",
    "tests/wargame/test_chain.py": "scripts and the game; test_director.py and test_anything.py write its rows",
    "tests/wargame/test_deciders.py": "what a page says of figures; tests/metrics has the statements",
    "tests/wargame/test_pages.py": "what pages tell; the marked ones and test_log_pages.py have the statements",
    "tests/wargame/test_simulation.py": "plays in memory beside live ones, whose statements are those of test_director.py",
    "tests/wargame/test_stories.py": "sentences; test_log_pages.py reads the same rows",
    "tests/workbench/test_answers.py": "answers and refusals; their statements are those of tests/registry",
    "tests/workbench/test_any_module.py": "pages for another module, and our own files",
    "tests/workbench/test_cases.py": "answers and forms; tests/evidence/test_cases.py has the statements",
    "tests/workbench/test_completion.py": "names that an editor offers",
    "tests/workbench/test_inputs.py": "what a form begins with",
    "tests/workbench/test_new_script.py": "templates and forms; tests/registry has the statements",
    "tests/workbench/test_plain_form.py": "a form; its statements are those of tests/registry",
    "tests/workbench/test_plays.py": "pages of reports; tests/evidence/test_plays.py has the statements",
    "tests/workbench/test_replays.py": "pages of reports; the marked ones and tests/evidence have the statements",
    "tests/workbench/test_schedule_pages.py": "forms; the marked ones, tests/registry/test_schedules.py and tests/schedules have the statements",
    "tests/workbench/test_sessions.py": "sockets and sessions",
    "tests/workbench/test_socket.py": "what a socket tells is heard from Redis",
    "tests/workbench/test_topics.py": "pages and forms; tests/subscriptions has the statements",
    "tests/workbench/test_trials.py": "a text tried in a sandbox; what it reads of records is read in tests/evidence too",
    "tests/workbench/test_tuning.py": "a form and its curves; the marked ones and tests/registry/test_segments.py have the statements",
    "tests/workers/test_full_redis.py": "what a full Redis takes and refuses; test_worker_processes.py has the statements of workers",
    "tests/workers/test_refusing_redis.py": "what Redis refuses; test_worker_processes.py has the statements of workers",
    "tests/workers/test_schedules.py": "values for a time while workers are killed; tests/schedules/test_killed_workers.py kills them on PostgreSQL",
}
SAME_ON_NEWER_PYTHON = {
    "tests/admin": "pages, of which test_permissions.py opens every one",
    "tests/alerts": "rows and the clock; the sending is that of any program",
    "tests/api": "requests and rows; test_permissions.py opens every address, test_goby.py asks a server",
    "tests/benchmarks": "no part of what is installed",
    "tests/client/test_from_git.py": "the way of a rule through CI; test_goby.py gives each command that it takes",
    "tests/docs": "whole stacks and commands of a copy",
    "tests/embedding": "another project, its stack and browser",
    "tests/endpoints/test_callers_fault.py": "whose fault a request is; test_endpoints.py runs the same code",
    "tests/engine/test_budgets.py": "counts of exchanges and statements",
    "tests/evidence": "replays and what is kept of them; what a run comes to is in tests/execution and tests/sandbox",
    "tests/execution/test_breaker.py": "when a version is set aside: decided by rows and the clock",
    "tests/execution/test_masking.py": "what pages hide",
    "tests/git": "rows, and what git says; the commands of tests/client push and pull on that Python too",
    "tests/hot_reload": "files, the kernel and Redis; the stack of test_stack.py has a watcher",
    "tests/insight": "pages, and statements of the database",
    "tests/languages/test_battle.py": "a battle on scripts of each language; each construct of these runs there in tests/conformance",
    "tests/languages/tengo/test_agreement.py": "random texts; each construct of the language runs there in tests/conformance",
    "tests/languages/tengo/test_random_text.py": "random texts; what is said of each kind of error is in the files beside it",
    "tests/languages/test_override.py": "which text runs is decided by rows; each language has tests of its own",
    "tests/languages/zygomys/test_agreement.py": "random texts; each construct of the language runs there in tests/conformance",
    "tests/metrics": "sums, rows and the clock",
    "tests/metrics/test_trusted_time.py": "decided by rows and times",
    "tests/receipts/test_lone_commits.py": "rows and the order of their changes; what a receipt says is in test_roots.py and test_verification.py",
    "tests/receipts/test_pages.py": "pages; what a receipt says is in test_roots.py and test_verification.py",
    "tests/receipts/test_sealing.py": "rows and the order of their changes; what a receipt says is in test_roots.py and test_verification.py",
    "tests/registry": "rows and the order of their changes",
    "tests/schedules/test_killed_workers.py": "processes killed by signals; test_due.py and test_turning.py run the same code",
    "tests/site/test_browser.py": "pages in a browser, which that pass leaves out, and its environment too",
    "tests/site/test_demo.py": "who may log in from where: decided by address and setting",
    "tests/site/test_hostile_text.py": "templates escape it, those of Django and ours",
    "tests/site/test_hostile_values.py": "a thousand requests; the values themselves are in tests/endpoints and tests/sandbox",
    "tests/site/test_names.py": "names of pages and entries of the menu",
    "tests/site/test_settings.py": "what the environment says; each process of that pass starts with it",
    "tests/site/test_throttle.py": "failures are counted in Redis",
    "tests/site/test_ways.py": "links between pages",
    "tests/sources": "files and rows; the watcher of the stack of test_stack.py takes files",
    "tests/subscriptions": "rows and the order of their changes",
    "tests/transfer": "rows written and read as JSON",
    "tests/wargame": "a game's rules and pages",
    "tests/workbench": "pages, and what they ask of the rooms below",
    "tests/workers/test_evidence_worker.py": "processes killed by signals; test_worker.py runs the same code",
    "tests/workers/test_full_redis.py": "what a full Redis takes and refuses; test_worker.py runs the same code",
    "tests/workers/test_idle_load.py": "statements and commands of idle processes",
    "tests/workers/test_pooled.py": "connections to a database",
    "tests/workers/test_refusing_redis.py": "what Redis refuses; test_worker.py runs the same code",
    "tests/workers/test_schedules.py": "processes killed by signals; tests/schedules and test_worker.py run the same code",
    "tests/workers/test_upgrade.py": "an old process beside a new one, on one Python",
    "tests/workers/test_worker_processes.py": "processes killed by signals, transactions and Redis; the stack of test_stack.py has workers",
    "tests/workers/test_wrong_clock.py": "which clock counts; a worker runs there in test_worker_processes.py",
}
"""Files and folders with the reason why a pass leaves them out."""

WORKBENCH_PAGES = (
    "battle_page",
    "draft_line",
    "journeys",
    "accessibility",
    "narrow",
    "trying",
    "following",
    "dialogs",
    "case_list",
    "gate_dialog",
    "every_page",
    "tune_page",
    "mishaps",
    "new_rule",
    "playback_page",
    "values",
)
SECOND_STACK = {
    "battle_page",
    "trying",
    "accessibility",
    "narrow",
    "case_list",
    "gate_dialog",
    "every_page",
    "tune_page",
    "mishaps",
}
"""Those of them that run on a stack of their own beside the others: one process with all of them would be the last to end."""
SITE_PAGES = (
    "admin/test_policy",
    "admin/test_browser",
    "admin/test_frame",
    "insight/test_browser",
    "site/test_browser",
)
"""Files that look at `live_server` in one browser. The first begins with tests that have no use for it, at which it would be closed."""
ONE_STACK = (
    {
        f"tests/workbench/test_{name}.py": f"the workbench's pages, {'second' if name in SECOND_STACK else 'first'} stack"
        for name in WORKBENCH_PAGES
    }
    | {f"tests/embedding/test_{name}.py": "the installed wheel" for name in ("studio", "demo", "python_api", "wheel")}
    | {f"tests/{name}.py": "the site's pages, one browser" for name in SITE_PAGES}
)
"""Files that share a stack, an environment or a browser, with a name for them all: one process of xdist runs them in this order."""

LONG = ("e2e", "alone", "slow")
"""Markers of tests that take long, the longest first."""
LONG_TOGETHER = {
    "tests/api/test_doors.py",
    "tests/wargame/test_chain.py",
    "tests/wargame/test_live.py",
    "tests/wargame/test_rewind.py",
    "tests/wargame/test_simulation.py",
}
"""Files whose many tests take long together: begun last, one of them would run alone at the end."""


def left_out(path: str, table: dict[str, str]) -> bool:
    """Whether the file, or a folder that it is in, is in the table."""
    return any(f"{path}/".startswith(f"{name}/") for name in table)


def skips_file(path: Path) -> bool:
    """Whether the pass that runs now leaves out the whole file or folder, and so need not load it."""
    name = path.relative_to(BASE_DIR).as_posix()
    if os.environ.get("TEST_DATABASE") == "postgres":
        return path.suffix == ".py" and left_out(name, SAME_ON_POSTGRESQL) and "any_database" not in path.read_text()
    return is_newer_python() and left_out(name, SAME_ON_NEWER_PYTHON)


def is_newer_python() -> bool:
    """Whether this is the pass on a newer Python."""
    return os.environ.get("TEST_PYTHON") == "newer"


def can_differ(item: pytest.Item) -> bool:
    """Whether the test may come out differently in the pass that runs now; the one on SQLite runs every test."""
    if os.environ.get("TEST_DATABASE") == "postgres":
        return reaches_database(item)
    if is_newer_python():
        return reaches_python(item)
    return True


def reaches_python(item: pytest.Item) -> bool:
    """Whether the test may come out differently on another Python."""
    if left_out(file_of(item.nodeid), SAME_ON_NEWER_PYTHON) or item.get_closest_marker("once"):
        return False
    return not item.get_closest_marker("e2e") or item.get_closest_marker("any_python") is not None


def reaches_database(item: pytest.Item) -> bool:
    """Whether the test may come out differently on another database."""
    if item.get_closest_marker("once"):
        return False
    if item.get_closest_marker("any_database"):
        return True
    if left_out(file_of(item.nodeid), SAME_ON_POSTGRESQL) or item.get_closest_marker("e2e"):
        return False
    asks = DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
    return bool(asks or item.get_closest_marker("django_db"))


def longest_first(items: list[pytest.Item]) -> list[pytest.Item]:
    """Files that share a stack, other files with long tests, the rest: at the end no process waits for a long file.

    Before all of them what could not run in a process that has their browser open.
    """
    ranks: dict[str, int] = {}
    for item in items:
        shortest = len(LONG) - (file_of(item.nodeid) in LONG_TOGETHER)
        rank = next((place for place, marker in enumerate(LONG) if item.get_closest_marker(marker)), shortest)
        if has_loop_beside_browsers(item):
            rank = -1
        ranks[group(item.nodeid)] = min(rank, ranks.get(group(item.nodeid), rank))

    def place(item: pytest.Item) -> tuple[int, int]:
        path = file_of(item.nodeid)
        return ranks[group(item.nodeid)], list(ONE_STACK).index(path) if path in ONE_STACK else len(ONE_STACK)

    return sorted(items, key=place)


def has_loop_beside_browsers(item: pytest.Item) -> bool:
    """Whether it is asynchronous and in the folder whose tests share a browser: Playwright keeps an event loop running while one is open."""
    return item.nodeid.startswith("tests/workbench/") and inspect.iscoroutinefunction(getattr(item, "obj", None))


def file_of(nodeid: str) -> str:
    """The file that the test is in."""
    return nodeid.split("::", 1)[0]


def group(nodeid: str) -> str:
    """The unit that one process runs as a whole: a file, or the files that share a stack."""
    return ONE_STACK.get(file_of(nodeid), file_of(nodeid))


class ByStack(LoadScopeScheduling):
    """xdist's `loadfile`, but files that share a stack go to one process, and the order stays as collected."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
