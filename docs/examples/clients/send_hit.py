"""Send a hit to Goby and print its outcome: GOBY_SERVER=http://127.0.0.1:8000 GOBY_TOKEN=goby_… python send_hit.py

Needs nothing but Python.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

HIT = Path(__file__).parent / "hit.json"
ATTEMPTS = 5


def send(event: dict) -> dict:
    """The answer to an event. The same event may be sent again: its id makes it take effect once."""
    address = f"{os.environ['GOBY_SERVER']}/api/v1/events?wait=10"
    headers = {"Authorization": f"Bearer {os.environ['GOBY_TOKEN']}", "Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(event).encode(), headers)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            problem, wait = json.load(error), error.headers["Retry-After"]
            if wait is None or attempt == ATTEMPTS:
                sys.exit(f"{problem['code']}: {problem['detail']}")
            time.sleep(int(wait))
        except OSError as error:
            if attempt == ATTEMPTS:
                sys.exit(str(error))
            time.sleep(1)
    raise AssertionError


if __name__ == "__main__":
    payload = json.loads(sys.argv[1] if len(sys.argv) > 1 else HIT.read_text())
    hit = {"id": f"hit-{uuid.uuid4()}", "topic": "wargame.hit", "key": "example", "payload": payload}
    for outcome in send(hit)["outcomes"]:
        print(f"{outcome['script']}: {outcome['status']} {json.dumps(outcome['result'])}")
