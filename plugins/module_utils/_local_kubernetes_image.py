# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""An image of one static program, made without an image hub. Private to the collection."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def archive(reference: str, program: bytes, name: str) -> bytes:
    """A ``docker save`` archive of an image that holds one program and starts it; same program, same bytes."""
    layer = _tar({name: (program, 0o755)})
    settings = json.dumps(
        {
            "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"Entrypoint": [f"/{name}"], "User": "65535:65535", "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
            "history": [{"created": "1970-01-01T00:00:00Z"}],
        },
        sort_keys=True,
    ).encode()
    settings_name = f"{hashlib.sha256(settings).hexdigest()}.json"
    manifest = json.dumps([{"Config": settings_name, "RepoTags": [reference], "Layers": ["layer.tar"]}]).encode()
    return _tar({settings_name: (settings, 0o644), "layer.tar": (layer, 0o644), "manifest.json": (manifest, 0o644)})


def _tar(files: dict[str, tuple[bytes, int]]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, (content, mode) in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            tar.addfile(member, io.BytesIO(content))
    return target.getvalue()
