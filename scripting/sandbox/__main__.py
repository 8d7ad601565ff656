"""The light parent: imports what runs need, once, and forks locked-down sandboxes on request. It never sees a script.

`python -s -P -m scripting.sandbox DESCRIPTOR`, started by the supervisor with its control socket. It ends when that socket ends.
`python -s -P -m scripting.sandbox --listen SOCKET` forks light parents for all processes that ask at that Unix socket.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # The environment is the same for every run, and so is the time zone.
    os.environ["TZ"] = "UTC0"
    own_zones = sys.base_prefix != "/usr" and os.path.isdir(f"{sys.base_prefix}/share/zoneinfo")
    if os.path.isdir("/usr/share/zoneinfo") and not own_zones:
        # Where an interpreter looks that does not bring its own. To find that out, it would read all of what it was built with, and keep it.
        os.environ["PYTHONTZPATH"] = "/usr/share/zoneinfo:/usr/lib/zoneinfo:/usr/share/lib/zoneinfo:/etc/zoneinfo"
    # Nothing is to run in a sandbox just forked: `random` would seed its generator, as every run does that draws from it.
    os.register_at_fork = lambda **_: None
    # msgspec does as well without these on the Pythons we run on, and they take half a megabyte.
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    sys.modules["msgspec.inspect"] = type(sys)("nothing")
    import msgspec

    del sys.modules["typing_extensions"], sys.modules["msgspec.inspect"], msgspec.inspect
    if sys.argv[1] == "--listen":
        from scripting.sandbox.common_parent import listen

        listen(sys.argv[2])
    from scripting.sandbox.fork_server import main

    sys.exit(main(int(sys.argv[1])))
