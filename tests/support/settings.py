"""Settings of the test suite: the site's own, on a database, a Redis and a data folder that this test process made."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from goby_site.paths import unix_url
from tests.support.migrated import shared_folder

# Short, since a Unix socket's path must fit 108 bytes; one per xdist worker, since each imports this module itself.
SCRATCH = Path(tempfile.mkdtemp(prefix="gt-"))
OWNER = os.getpid()


def remove_scratch() -> None:
    """At exit of the process that made it; a forked child's exit leaves it alone."""
    if os.getpid() == OWNER:
        shutil.rmtree(SCRATCH, ignore_errors=True)


atexit.register(remove_scratch)
shared_folder()  # made by the first process, before it starts the others

for _name in ("DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "GOBY_DEMO", "GOBY_HTTPS", "LOG_FORMAT", "LOG_LEVEL"):
    os.environ.pop(_name, None)
os.environ["GOBY_VAR"] = str(SCRATCH)
os.environ["GOBY_HTTPS"] = "false"  # tests speak plain HTTP to servers of their own
os.environ["GOBY_QUEUES"] = "true"  # as in the demo; what is closed without has tests of its own
os.environ["SCRIPTING_METRICS_NETWORKS"] = "127.0.0.0/8 ::1"
os.environ["REDIS_URL"] = unix_url(SCRATCH / "redis" / "redis.sock")
if os.environ.get("TEST_DATABASE") == "postgres":
    from tests.support.postgres import server_url

    os.environ["DATABASE_URL"] = server_url()
else:
    os.environ["DATABASE_URL"] = f"sqlite:///{quote(str(SCRATCH))}/goby.sqlite3"

from tests.support.stack_settings import *  # noqa: E402, F403
from tests.support.stack_settings import DATABASES  # noqa: E402

# A file, never memory: workers and sandboxes of the tests are processes of their own and must see it.
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["TEST"] = {"NAME": str(SCRATCH / "test.sqlite3")}
