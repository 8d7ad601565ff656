"""The program that xdist starts as a test process: it stands in for the one that `tests.support.collector` forks, until that has ended.

That one takes its place at the two pipes to xdist. Where there is no collector to ask, this becomes the program that xdist would have
started. It imports nothing of the project, so that it starts at once: `python -I -S stand_in.py ADDRESS PYTHON …`.
"""

import json
import os
import signal
import socket
import sys


def main() -> None:
    address, *command = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the test process too, which tidies up
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
        try:
            line.connect(address)
            socket.send_fds(line, [json.dumps({"title": "pytest"}).encode()], [0, 1])
            started = line.recv(4096)
        except OSError:
            started = b""
        if not started:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.execv(command[0], command)
        os.close(0)  # else xdist would not see that the test process has ended
        os.close(1)
        ended = line.recv(4096)
    sys.exit(not ended or json.loads(ended)["status"] != 0)


if __name__ == "__main__":
    main()
