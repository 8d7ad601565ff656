"""The files of docs/examples/deploy, each tried as far as a machine can; a program that is not installed here leaves its test out."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import get_commands
from websockets.sync.client import connect

from goby_site.accounts.throttle import FAILURES_OF_NAME
from goby_site.paths import BASE_DIR
from goby_site.stack.supervisord import runners
from scripting.conf import SETTINGS
from scripting.insight.prometheus import registry
from scripting.sources import sync
from tests.support.processes import child_environment, free_port
from tests.support.stack import wait_until
from wargame.battle import start_battle

DEPLOY = BASE_DIR / "docs" / "examples" / "deploy"
UNITS = sorted(path for path in (DEPLOY / "systemd").iterdir() if path.is_file())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]


def needs(program: str) -> str:
    """Its path; skips the test where it is missing."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    return found


def unit(path: Path) -> dict[str, dict[str, str]]:
    """A unit's sections, without the settings that are given twice."""
    parsed = configparser.RawConfigParser(strict=False, delimiters=("=",), comment_prefixes=("#",))
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read(path)
    return {name: dict(parsed[name]) for name in parsed.sections()}


def command_of(arguments: list[str]) -> str:
    """The management command of `python -m goby_site NAME …`; `uvicorn` for the web process."""
    program, flag, module, *rest = arguments
    assert (Path(program).name, flag) == ("python", "-m")
    assert module in {"goby_site", "uvicorn"}
    return rest[0] if module == "goby_site" else "uvicorn"


# -- systemd -----------------------------------------------------------------------------------------------------------


def test_systemd_takes_the_units_and_calls_their_hardening_ok(tmp_path: Path) -> None:
    analyze = needs("systemd-analyze")
    units = tmp_path / "units"
    shutil.copytree(DEPLOY / "systemd", units)
    for path in units.glob("*.service"):
        path.write_text(path.read_text().replace("/opt/goby/bin/python", sys.executable))
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:"}
    names = ["goby-worker@1.service" if path == "goby-worker@.service" else path for path in (x.name for x in UNITS)]
    verified = subprocess.run([analyze, "verify", *names], cwd=units, env=environment, capture_output=True, text=True)
    ours = [line for line in verified.stderr.splitlines() if "goby" in line]
    assert (verified.returncode, ours) == (0, [])
    judged = [analyze, "security", "--offline=true", "--threshold=25", *(x for x in names if x.endswith(".service"))]
    security = subprocess.run(judged, cwd=units, env=environment, capture_output=True, text=True)
    assert security.returncode == 0, security.stdout


def test_each_service_runs_a_command_that_exists_and_those_that_stay_say_when_they_are_ready() -> None:
    found = {}
    for path in SERVICES:
        service = unit(path)["Service"]
        found[path.name] = command_of(shlex.split(service["ExecStart"]))
        if service["Type"] == "notify":
            assert int(service["WatchdogSec"]) >= 30, path
    assert set(found.values()) - {"uvicorn"} <= set(get_commands())
    assert {name for name, path in ((x.name, x) for x in SERVICES) if unit(path)["Service"]["Type"] != "notify"} == {
        "goby-prepare.service"
    }


def test_a_management_command_runs_as_the_services_do() -> None:
    """Without what closes them in: an operator gives it files."""
    given = set(re.findall(r"--property=(\S+)", (DEPLOY / "goby-manage").read_text()))
    common = unit(DEPLOY / "systemd" / "goby-.service.d" / "common.conf")["Service"]
    names = "User", "Group", "UMask", "EnvironmentFile", "WorkingDirectory", "StateDirectory", "StateDirectoryMode"
    assert given == {f"{name}={common[name]}" for name in names}


def test_the_page_tells_to_copy_files_that_are_there_and_to_start_units_that_are_there() -> None:
    page = (BASE_DIR / "docs" / "deployment.md").read_text()
    commands = [line.strip() for line in page.splitlines() if line.startswith("    ")]
    copied = {path for line in commands for path in re.findall(r"docs/examples/deploy/[\w./-]*\w", line)}
    assert len(copied) >= 5
    assert [path for path in sorted(copied) if not (BASE_DIR / path).exists()] == []
    started = {name for line in commands if line.startswith("systemctl enable") for name in line.split()[3:]}
    units = {path.name for path in UNITS}
    assert {re.sub(r"@\d", "@", name) for name in started} <= units | {path.stem for path in SERVICES}


def test_the_web_process_is_started_as_the_stack_starts_it() -> None:
    """But for its address, which a socket of systemd or a container gives, and the time that open requests have."""
    ours = {x for x in runners("127.0.0.1", 1)["web"] if x.startswith("--")} - {"--host", "--port"}
    of_unit = shlex.split(unit(DEPLOY / "systemd" / "goby-web.service")["Service"]["ExecStart"])
    [of_image] = re.findall(r"(?ms)^CMD (\[.*?\])$", (DEPLOY / "container" / "Containerfile").read_text())
    assert {x for x in of_unit if x.startswith("--")} - {"--fd"} == ours
    in_image = json.loads(of_image.replace("\\\n", ""))
    assert {x for x in in_image if x.startswith("--")} - {"--host", "--port"} == ours


# -- containers --------------------------------------------------------------------------------------------------------


def test_no_container_of_ours_is_root_or_may_write_its_image_or_has_a_capability() -> None:
    assert "\nUSER 10001:10001\n" in (DEPLOY / "container" / "Containerfile").read_text()
    services = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["services"]
    ours = {name: service for name, service in services.items() if service["image"] == "goby"}
    assert set(ours) == {"prepare", "web", "worker", "evidence", "watcher", "battle"}
    for service in ours.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "command" not in service or command_of(service["command"]) in get_commands()
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] is True
        for container in pod["containers"]:
            closed = container["securityContext"]
            assert (closed["readOnlyRootFilesystem"], closed["allowPrivilegeEscalation"]) == (True, False)
            assert closed["capabilities"] == {"drop": ["ALL"]}
            assert "command" not in container or command_of(container["command"]) in get_commands()


SOMEBODY = ("--user", "--map-user=12345", "--map-group=12345")
CLOSED = ("setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all")
REFUSED = 'echo 1 > /proc/sys/user/max_user_namespaces && exec "$@"'
"""For who starts it, one name space of users is left."""
UNDER = {
    "allowed": (["unshare", *SOMEBODY, *CLOSED], set()),
    "refused": (
        ["unshare", "--user", "--map-root-user", "sh", "-c", REFUSED, "-", "unshare", *SOMEBODY, *CLOSED],
        {"namespaces"},
    ),
}


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("namespaces", UNDER)
def test_without_root_and_capabilities_all_layers_of_the_sandbox_hold_but_for_name_spaces_that_the_host_refuses(
    namespaces: str,
) -> None:
    under, missing = UNDER[namespaces]
    needs("setpriv")
    if subprocess.run(["unshare", "--user", "--map-root-user", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this host gives no name space of users")
    body = "from scripting.supervisor.report import sandbox_report as r; print(*(x.name for x in r() if not x.holds), sep=',')"
    ran = subprocess.run([*under, sys.executable, "-c", body], cwd=BASE_DIR, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert set(ran.stdout.strip().split(",")) - {"interpreter", ""} == missing


def test_probes_ask_what_answers_without_a_login_and_a_pod_has_time_to_end() -> None:
    [web] = [pod for pod in pods() if pod["containers"][0]["name"] == "web"]
    container = web["containers"][0]
    asked = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert web["terminationGracePeriodSeconds"] >= 5 + 10 + 5  # the pause before SIGTERM, open requests, the rest


def pods() -> list[dict[str, Any]]:
    parts = yaml.safe_load_all((DEPLOY / "kubernetes" / "goby.yaml").read_text())
    return [part["spec"]["template"]["spec"] for part in parts if "template" in part["spec"]]


def test_every_setting_in_the_files_is_one_that_the_site_knows() -> None:
    known = set(re.findall(r"(?m)^\| `([A-Z_]+)`", (BASE_DIR / "README.md").read_text())) | SETTINGS.keys()
    named = set(re.findall(r"(?m)^([A-Z_]+)=", (DEPLOY / "goby.env").read_text()))
    named |= set(yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text())["x-goby"]["environment"])
    named |= {one["name"] for pod in pods() for container in pod["containers"] for one in container["env"]}
    known |= {"LOG_FORMAT"}
    assert named - known == set()


# -- the proxy ---------------------------------------------------------------------------------------------------------


class Proxied:
    """nginx with our configuration before a web process that has its socket from outside, as systemd gives it."""

    def __init__(self, nginx: str, folder: Path) -> None:
        self.plain, self.port = free_port(), free_port()
        self.log = folder / "web.log"
        made = [needs("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        names = ["-subj", "/CN=goby.example", "-addext", "subjectAltName=DNS:goby.example"]
        certificate, key = folder / "goby.pem", folder / "goby.key"
        subprocess.run([*made, *names, "-out", certificate, "-keyout", key], check=True, capture_output=True)
        self.tls = ssl.create_default_context(cafile=str(certificate))
        self.web = self._web(folder / "web.sock")
        text = (DEPLOY / "nginx" / "goby.conf").read_text()
        own = {
            "listen 80;": f"listen 127.0.0.1:{self.plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "/etc/ssl/goby.pem": str(certificate),
            "/etc/ssl/goby.key": str(key),
            "/run/goby/web.sock": str(folder / "web.sock"),
        }
        for theirs, ours in own.items():
            assert text.count(theirs) == 1, theirs
            text = text.replace(theirs, ours)
        temporary = "".join(
            f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        user = "user root;" if os.geteuid() == 0 else ""
        main = (
            f"{user} daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; worker_processes 1; events {{}}"
        )
        (folder / "nginx.conf").write_text(f"{main} http {{ access_log off; {temporary}\n{text}\n}}\n")
        self.nginx = subprocess.Popen([nginx, "-e", str(folder / "nginx.log"), "-c", str(folder / "nginx.conf")])

    def _web(self, place: Path) -> subprocess.Popen[bytes]:
        """Started by the unit's own command; its socket is descriptor 3."""
        command = shlex.split(unit(DEPLOY / "systemd" / "goby-web.service")["Service"]["ExecStart"])[1:]
        with socket.socket(socket.AF_UNIX) as listening, self.log.open("wb") as output:
            listening.bind(str(place))
            listening.listen()
            opening = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
            given = str(listening.fileno())
            return subprocess.Popen(
                [sys.executable, "-c", opening, given, *command],
                cwd=BASE_DIR,
                env=child_environment(
                    GOBY_PROXIES="unix",
                    GOBY_DEMO="false",
                    GOBY_HTTPS="true",
                    ALLOWED_HOSTS="goby.example",
                    WARGAME_PUBLIC="true",
                ),
                pass_fds=[listening.fileno()],
                stdout=output,
                stderr=output,
            )

    def connection(self, source: str = "127.0.0.1") -> HTTPSConnection:
        made = HTTPSConnection("goby.example", self.port, timeout=60, context=self.tls)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(source, 0))
        made.sock = self.tls.wrap_socket(plain, server_hostname="goby.example")
        return made

    def ask(
        self, path: str, form: dict[str, str] | None = None, source: str = "127.0.0.1", **headers: str
    ) -> tuple[int, str, str]:
        """Status, body and the cookies that were set."""
        connection = self.connection(source)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if form is not None:
            sent |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": "https://goby.example",
            }
            sent["Cookie"] = f"csrftoken={form['csrfmiddlewaretoken']}"
        connection.request(
            "GET" if form is None else "POST", path, urlencode(form or {}), {"Host": "goby.example", **sent}
        )
        answer = connection.getresponse()
        body, cookies = answer.read().decode(), answer.headers.get("Set-Cookie", "")
        connection.close()
        return answer.status, body, cookies

    def answers(self) -> bool:
        assert self.web.poll() is None, self.log.read_text()
        try:
            return self.ask("/healthz")[0] == 200
        except OSError:
            return False

    def end(self) -> None:
        for process in (self.nginx, self.web):
            process.terminate()
            process.wait(30)


@pytest.fixture
def proxied(tmp_path: Path, transactional_db: None) -> Iterator[Proxied]:
    started = Proxied(needs("nginx"), tmp_path)
    try:
        wait_until(started.answers, 100)
        yield started
    finally:
        started.end()


@pytest.mark.alone
@pytest.mark.once
def test_nginx_ends_tls_passes_sockets_and_tells_who_asks(proxied: Proxied) -> None:
    sync.sync()
    game = start_battle()
    plain = HTTPConnection("127.0.0.1", proxied.plain, timeout=30)
    plain.request("GET", "/x?y=1", headers={"Host": "goby.example"})
    moved = plain.getresponse()
    assert (moved.status, moved.headers["Location"]) == (301, "https://goby.example/x?y=1")
    assert proxied.ask("/metrics")[0] == 404
    status, _, cookies = proxied.ask("/admin/login/")
    assert status == 200
    assert "Secure" in cookies
    address = f"wss://goby.example:{proxied.port}/ws/wargame/{game.pk}/feed/"
    below = socket.create_connection(("127.0.0.1", proxied.port))
    with connect(address, sock=below, ssl=proxied.tls, origin="https://goby.example", open_timeout=60) as page:  # type: ignore[arg-type]
        assert json.loads(page.recv(timeout=60))
    # The site takes forms from its own https origin: it knows that they came by TLS. Who guesses passwords is counted by the address that nginx saw, whatever the request says of itself.
    token = re.search(r"csrftoken=(\w+)", cookies)
    assert token is not None
    User.objects.create_user("ada", password="a right one", is_staff=True)
    for number in range(FAILURES_OF_NAME + 1):
        form = {"username": "ada", "password": "a wrong one", "csrfmiddlewaretoken": token[1]}
        _, page_, _ = proxied.ask("/admin/login/", form, "127.0.0.5", X_Forwarded_For=f"198.51.100.{number}")
    assert "Too many logins" in page_
    assert "logins from 127.0.0.5 are refused" in proxied.log.read_text()
    form["password"] = "a right one"
    assert proxied.ask("/admin/login/?next=/healthz", form, "127.0.0.6")[0] == 302


@pytest.mark.once
def test_caddy_takes_its_file(tmp_path: Path) -> None:
    command = [needs("caddy"), "adapt", "--adapter", "caddyfile", "--validate", "--config"]
    own = os.environ | {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    taken = subprocess.run([*command, DEPLOY / "caddy" / "Caddyfile"], env=own, capture_output=True, text=True)
    assert taken.returncode == 0, taken.stderr
    [server] = json.loads(taken.stdout.splitlines()[0])["apps"]["http"]["servers"].values()
    assert server["routes"][0]["match"] == [{"host": ["goby.example"]}]
    assert "unix//run/goby/web.sock" in taken.stdout


# -- what is measured --------------------------------------------------------------------------------------------------

RULES = ("grafana/goby.json", "prometheus/alerts.yml")


@pytest.mark.django_db
def test_every_figure_that_dashboard_and_alerts_name_is_one_that_the_site_gives() -> None:
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
    given = {family.name + suffix for family in registry().collect() for suffix in suffixes.get(family.type, ("",))}
    for path in (*(DEPLOY / rules for rules in RULES), BASE_DIR / "docs" / "slo.md"):
        named = set(re.findall(r"\bgoby_[a-z_]+\b", path.read_text()))
        assert named, path
        assert named - given == set(), path


def test_each_alert_has_its_line_on_the_page_and_says_how_urgent_it_is() -> None:
    [group] = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    assert {rule["labels"]["severity"] for rule in group["rules"]} == {"page", "ticket"}
    page = (BASE_DIR / "docs" / "slo.md").read_text()
    assert [rule["alert"] for rule in group["rules"]] == re.findall(r"(?m)^\| (Goby\w+) \|", page)


def test_no_two_panels_of_the_dashboard_lie_on_each_other() -> None:
    taken = set[tuple[int, int]]()
    for panel in json.loads((DEPLOY / "grafana" / "goby.json").read_text())["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
