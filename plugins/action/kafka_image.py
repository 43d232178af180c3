# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which broker image to run. An action, not a module: 50 ms instead of 500, and on most runs it is all there is."""

from __future__ import annotations

import hashlib
import pathlib
import platform
import shutil
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _image
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._image_registry import Registry, Unreachable

ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "state": {"type": "str", "choices": ["resolved", "jars"], "default": "resolved"},
    "source": {"type": "path", "required": True},
    "kafka_version": {"type": "str", "required": True},
    "reference": {"type": "str", "default": ""},
    "flavour": {"type": "str", "choices": ["assembled", "base"], "default": "assembled"},
    "base": {"type": "str", "default": ""},
    "assembled_base": {"type": "str", "default": ""},
    "registry": {"type": "str", "default": "localhost:5000"},
    "repository": {"type": "str", "default": "kafka"},
    "username": {"type": "str", "default": ""},
    "password": {"type": "str", "default": "", "no_log": True},
    "insecure": {"type": "bool", "default": False},
    "validate_certs": {"type": "bool", "default": True},
    "cache_dir": {"type": "path", "required": True},
    "debian_suite": {"type": "str", "default": ""},
    "debian_mirror": {"type": "str", "default": ""},
    "debian_java": {"type": "str", "default": "openjdk-17-jre-headless"},
    "debian_refresh": {"type": "bool", "default": False},
    "jars_path": {"type": "path"},
}


class ActionModule(ActionBase):
    """kafkaops.kubernetes.kafka_image"""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        _result, arguments = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            if arguments["state"] == "jars":
                return _keep_jars(arguments)
            if arguments["reference"]:
                return self._given(arguments)
            return self._made(arguments)
        except _image.ImageError as error:
            raise AnsibleActionFail(str(error)) from None  # ansible-core would append every cause

    def _given(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """An image that somebody else made: only its digest is looked for."""
        reference = _image.parse_reference(arguments["reference"], "image_reference")
        if not reference.digest:
            reference = self._with_digest(reference, arguments)
        return {
            "changed": False,
            "present": True,
            "resolved": reference.pinned if reference.digest else str(reference),
            "reference": arguments["reference"],
            "tag": reference.tag,
            "digest": reference.digest,
            "build": {},
        }

    def _with_digest(self, reference: _image.Reference, arguments: dict[str, t.Any]) -> _image.Reference:
        if not reference.registry:
            why = "it names no registry, so it is not certain who would be asked"
        else:
            # The login is for image_registry; no other registry gets to see it.
            same = reference.registry == arguments["registry"]
            registry = Registry(
                reference.registry,
                arguments["username"] if same else "",
                arguments["password"] if same else "",
                arguments["insecure"] and same,
                arguments["validate_certs"],
            )
            try:
                answer = registry.digest(reference)
            except Unreachable as error:
                why = f"{registry.url} cannot be asked from here: {error}"
            else:
                if answer.kind == "present":
                    return _image.Reference(reference.registry, reference.repository, reference.tag, answer.digest)
                if answer.kind == "absent":
                    raise _image.ImageError(
                        f"image_reference is {str(reference)!r}, but {registry.url} has no such image. "
                        "Look at its name and tag, or leave image_reference empty to have an image built."
                    )
                why = f"{registry.url} does not tell ({answer.detail})"
        self._display.warning(
            f"image_reference {str(reference)!r} is used as it is, not by digest: {why}. "
            "Should that tag ever move, pods of one cluster would run different images; add @sha256:... against that."
        )
        return reference

    def _made(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """An image that we make, unless the registry has it."""
        reference, build = _plan(arguments)
        registry = Registry(
            reference.registry,
            arguments["username"],
            arguments["password"],
            arguments["insecure"],
            arguments["validate_certs"],
        )
        checking = self._task.check_mode
        digest = ""
        try:
            answer = registry.digest(reference)
            if answer.kind == "present" and not build["debian_needed"]:
                digest = answer.digest
            elif answer.kind not in ("present", "absent"):
                raise _image.ImageError(
                    _image.refusal_message(answer, reference, registry.url, arguments["username"], "ask for")
                )
            elif not checking:
                answer = registry.may_push(reference)
                if answer.kind != "present":
                    raise _image.ImageError(
                        _image.refusal_message(answer, reference, registry.url, arguments["username"], "push")
                    )
        except Unreachable as error:
            message = _image.unreachable_message(reference.registry, registry.url, str(error))
            if not checking:
                raise _image.ImageError(message) from None
            self._display.warning(message)
        return {
            "changed": checking and not digest,
            "present": bool(digest),
            "resolved": _image.Reference(reference.registry, reference.repository, digest=digest).pinned
            if digest
            else str(reference),
            "reference": str(reference),
            "tag": reference.tag,
            "digest": digest,
            "build": build,
        }


def _plan(arguments: dict[str, t.Any]) -> tuple[_image.Reference, dict[str, t.Any]]:
    """What the image is called, and what it would be built from."""
    source = pathlib.Path(arguments["source"]) / "files"
    version = arguments["kafka_version"]
    _image.target_reference(arguments["registry"], arguments["repository"])
    parts = {
        f"layer/{path.relative_to(source / 'layer')}": path.read_text(encoding="utf-8")
        for path in sorted((source / "layer").rglob("*"))
        if path.is_file()
    }
    parts["machine"] = platform.machine()
    build: dict[str, t.Any] = dict.fromkeys(("base_image", "debian_dir", "jars_dir"), "")
    build.update(debian_needed=False, jars_needed=False)

    if arguments["flavour"] == "base":
        if not arguments["base"]:
            raise _image.ImageError(
                "image_flavour is 'base', but image_base is empty: there is nothing to lay the start script over. "
                "Name an image of Kafka in image_base, for example apache/kafka:4.3.1, or set image_flavour: assembled."
            )
        build["from_image"] = str(_image.parse_reference(arguments["base"], "image_base"))
        parts["from"] = build["from_image"]
    else:
        lock, jars = _lock(arguments)
        key = _image.content_key({"lock": lock, "Dockerfile": _text(source / "kafka" / "Dockerfile")})
        directory = pathlib.Path(arguments["cache_dir"]) / f"kafka-{version}-{key}"
        build["jars_dir"] = str(directory)
        if not directory.is_dir():
            build.update(jars_needed=True, pom=_image.render_pom(jars))
        parts["jars"] = key
        parts["base"] = _base(arguments, build, source)
        build["from_image"] = f"kafkaops/kafka:{version}-{_image.content_key({'jars': key, 'base': parts['base']})}"
    tag = _image.content_tag(version, parts)
    return _image.target_reference(arguments["registry"], arguments["repository"], tag), build


def _base(arguments: dict[str, t.Any], build: dict[str, t.Any], source: pathlib.Path) -> str:
    """Settle what is under the jars; returns what identifies it."""
    if arguments["assembled_base"]:
        build["base_image"] = str(_image.parse_reference(arguments["assembled_base"], "image_assembled_base"))
        return t.cast(str, build["base_image"])
    system = platform.freedesktop_os_release()
    suite = arguments["debian_suite"] or system.get("VERSION_CODENAME", system["ID"])
    recipe = {
        "script": _text(source / "debian" / "make_base.sh"),
        "suite": suite,
        "mirror": arguments["debian_mirror"],
        "java": arguments["debian_java"],
        "system": system["ID"],
        "machine": platform.machine(),
    }
    key = _image.content_key(recipe)
    directory = pathlib.Path(arguments["cache_dir"]) / f"base-{suite}-{key}"
    build["debian_dir"] = str(directory)
    try:
        packages = _text(directory / "packages.txt")
    except FileNotFoundError:
        packages = ""
    build["debian_needed"] = not packages or arguments["debian_refresh"]
    # Until it is made, nobody knows which versions of its packages it will have: then the recipe stands for it.
    identity = _image.content_key({"recipe": key, "packages": packages})
    build["base_image"] = f"kafkaops/base:{suite}-{identity}"
    return identity


def _lock(arguments: dict[str, t.Any]) -> tuple[str, tuple[_image.Jar, ...]]:
    locks = pathlib.Path(arguments["source"]) / "files" / "locks"
    version = arguments["kafka_version"]
    locked = _image.locked_versions(path.name for path in locks.iterdir())
    if version not in locked:
        raise _image.ImageError(_image.no_lock_message(version, locked))
    text = _text(locks / f"kafka-{version}.lock")
    return text, _image.parse_lock(text, f"kafka-{version}.lock")


def _keep_jars(arguments: dict[str, t.Any]) -> dict[str, t.Any]:
    """Verify what was fetched and give it the name under which it is trusted from then on."""
    _reference, build = _plan(arguments)
    if not arguments["jars_path"]:
        raise _image.ImageError(
            "jars_path is empty; with state: jars it names the directory with the jars that were fetched."
        )
    fetched = pathlib.Path(arguments["jars_path"])
    kept = pathlib.Path(build["jars_dir"])
    if kept.is_dir():
        return {"changed": False}
    _lock_text, jars = _lock(arguments)
    algorithms = {jar.file: jar.algorithm for jar in jars}
    found = {
        path.name: hashlib.new(algorithms.get(path.name, "sha256"), path.read_bytes()).hexdigest()
        for path in (fetched / "libs").glob("*")
    }
    differences = _image.jar_differences(jars, found)
    if differences:
        raise _image.ImageError(_image.difference_message(differences, f"kafka-{arguments['kafka_version']}.lock"))
    for path in (fetched, fetched / "libs"):
        path.chmod(0o755)
    for path in (fetched / "libs").iterdir():
        path.chmod(0o644)
    shutil.copyfile(pathlib.Path(arguments["source"]) / "files" / "kafka" / "Dockerfile", fetched / "Dockerfile")
    fetched.rename(kept)
    return {"changed": True}


def _text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")
