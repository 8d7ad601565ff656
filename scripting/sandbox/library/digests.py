"""hashlib and uuid for scripts: digests of bytes, and identifiers drawn from the run's own dice."""

from __future__ import annotations

import importlib
import uuid
from typing import Any

from scripting.sandbox.library.dice import random_bits

_BUILT_IN = {
    "md5": "_md5",
    "sha1": "_sha1",
    "sha224": "_sha2 _sha256",
    "sha256": "_sha2 _sha256",
    "sha384": "_sha2 _sha512",
    "sha512": "_sha2 _sha512",
    "sha3_224": "_sha3",
    "sha3_256": "_sha3",
    "sha3_384": "_sha3",
    "sha3_512": "_sha3",
    "shake_128": "_sha3",
    "shake_256": "_sha3",
    "blake2b": "_blake2",
    "blake2s": "_blake2",
}
"""Digest to the interpreter's own modules that may have it: hashlib would load OpenSSL, which takes megabytes."""


def _digests() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, modules in _BUILT_IN.items():
        for module in modules.split():
            try:
                found[name] = getattr(importlib.import_module(module), name)
                break
            except (ImportError, AttributeError):
                continue
    return found


HASHLIB = _digests()
HASHLIB_ABSENT = {
    "new": "call the digest by its name: hashlib.sha256(data)",
    "file_digest": "scripts have no files",
    "pbkdf2_hmac": "scripts keep no passwords",
    "scrypt": "scripts keep no passwords",
}


def uuid3(namespace: Any, name: str | bytes) -> uuid.UUID:
    """A UUID from the MD5 digest of a namespace's and a name."""
    return _named(namespace, name, "md5", 3)


def uuid4() -> uuid.UUID:
    """A random UUID, from the seed recorded with the run."""
    return uuid.UUID(int=random_bits(128), version=4)


def uuid5(namespace: Any, name: str | bytes) -> uuid.UUID:
    """A UUID from the SHA-1 digest of a namespace's and a name."""
    return _named(namespace, name, "sha1", 5)


def _named(namespace: Any, name: str | bytes, digest: str, version: int) -> uuid.UUID:
    if not isinstance(namespace, uuid.UUID):
        raise TypeError("the namespace must be a UUID, such as uuid.NAMESPACE_URL")
    data = name.encode() if isinstance(name, str) else name
    return uuid.UUID(bytes=HASHLIB[digest](namespace.bytes + data).digest()[:16], version=version)


UUID: dict[str, Any] = {
    **{name: getattr(uuid, name) for name in "NAMESPACE_DNS NAMESPACE_OID NAMESPACE_URL NAMESPACE_X500 UUID".split()},
    "uuid3": uuid3,
    "uuid4": uuid4,
    "uuid5": uuid5,
}
UUID_ABSENT = {"uuid1": "use uuid4(): it is drawn from the seed of the run"}
