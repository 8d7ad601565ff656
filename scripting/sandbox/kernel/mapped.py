"""Content that every sandbox may read, as part of none until it does: mapped from a file that has no name, of which no page is read ahead of need."""

from __future__ import annotations

import os
from mmap import MAP_PRIVATE, PROT_READ, mmap


def mapped(content: bytes) -> bytes | mmap:
    """The content, to be cut like bytes. Where the system has no such files it stays where it is, in the memory of the light parent and all sandboxes."""
    if not hasattr(os, "memfd_create"):
        return content
    try:
        descriptor = os.memfd_create("content")
    except OSError:
        return content
    try:
        written = os.write(descriptor, content)
        return mmap(descriptor, written, MAP_PRIVATE, PROT_READ) if written == len(content) else content
    except (OSError, ValueError):
        return content
    finally:
        os.close(descriptor)
