"""Names of processes, and the containers that they are in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scripting.processes import place

ID = "3f4e5d6c7b8a99887766554433221100ffeeddccbbaa99887766554433221100"


def test_a_start_has_one_name_and_a_fork_of_it_another() -> None:
    name = place.start_name()
    assert name == place.start_name()
    assert name.startswith(f"{place.host()}:{os.getpid()}.")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, place.start_name().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 200).decode()
    assert theirs.startswith(f"{place.host()}:{child}.")
    assert theirs.rpartition(".")[2] != name.rpartition(".")[2]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("mountinfo", f"705 690 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/vda1 rw"),
        (
            "mountinfo",
            f"12 11 0:24 /containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/resolv.conf /etc/resolv.conf rw",
        ),
        ("mountinfo", f"9 8 0:24 /containers/overlay-containers/{ID}/userdata/.containerenv /run/.containerenv rw"),
        ("cgroup", f"12:memory:/docker/{ID}"),
        ("cgroup", f"0::/system.slice/docker-{ID}.scope"),
        ("cgroup", f"0::/kubepods/burstable/pod5f0c/{ID}"),
    ],
)
def test_the_container_is_told_by_what_its_engine_mounts_or_groups(file: str, line: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(line + "\n")
    assert place.container(tmp_path) == ID[:12]


def test_a_host_is_in_none_of_the_containers_that_run_on_it(tmp_path: Path) -> None:
    mounted = f"91 29 0:52 / /var/lib/docker/overlay2/{ID}/merged rw - overlay overlay rw,upperdir=/{ID}/diff\n"
    (tmp_path / "mountinfo").write_text(mounted)
    assert place.container(tmp_path) == ""


def test_a_name_space_of_processes_stands_for_a_container_without_an_id(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/\n")
    assert place.container(tmp_path) == ""
    (tmp_path / "ns").mkdir()
    (tmp_path / "ns" / "pid").symlink_to("pid:[4026532753]")
    place.container.cache_clear()
    assert place.container(tmp_path) == "pid:[4026532753]"
