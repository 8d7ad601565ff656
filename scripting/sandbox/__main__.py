"""The light parent: imports what runs need, once, and forks locked-down sandboxes on request. It never sees a script.

`python -s -P -m scripting.sandbox DESCRIPTOR`, started by the supervisor with its control socket. It ends when that socket ends.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    from scripting.sandbox.fork_server import main

    # The environment is the same for every run, and so is the time zone.
    os.environ["TZ"] = "UTC0"
    sys.exit(main(int(sys.argv[1])))
