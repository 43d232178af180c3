# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What the broker image is made of, and how it is named. Private to the collection.

Everything here is a pure function: text in, decision out. Files and registries are asked elsewhere
(``plugins/action/kafka_image.py``, ``_image_registry.py``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
import typing as t
import urllib.parse
import xml.sax.saxutils

MANIFEST_TYPES: tuple[str, ...] = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
)
"""What a registry may answer with; without them it would convert the manifest, and its digest with it."""

DEPENDENCY_PLUGIN = "3.6.1"


class ImageError(Exception):
    """Something a person has to mend: what, where, why and how, in one message."""


# --- references ------------------------------------------------------------------------------------------------------

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?")


@dataclasses.dataclass(frozen=True)
class Reference:
    """A name of an image. ``registry`` is empty when the name leaves the choice of a registry to whoever pulls it."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}" if self.registry else self.repository

    @property
    def pinned(self) -> str:
        """By digest alone: what a pod should run."""
        return f"{self.name}@{self.digest}"

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str, where: str) -> Reference:
    """Read ``[registry/]repository[:tag][@digest]``; ``where`` is the variable it came from."""
    rest, at, digest = text.partition("@")
    first, slash, remainder = rest.partition("/")
    registry = ""
    if slash and ("." in first or ":" in first or first == "localhost"):
        registry, rest = first, remainder
    repository, colon, tag = rest.partition(":")
    if (
        (at and not _DIGEST.fullmatch(digest))
        or (colon and not _TAG.fullmatch(tag))
        or (registry and not _REGISTRY.fullmatch(registry))
        or not _REPOSITORY.fullmatch(repository)
    ):
        raise ImageError(
            f"{where} is {text!r}, which is not the name of an image. "
            "Write [registry[:port]/]repository[:tag] or ...@sha256:<64 hexadecimal digits>, in lower case."
        )
    return Reference(registry, repository, tag, digest)


def target_reference(registry: str, repository: str, tag: str = "") -> Reference:
    """Where the image that is built goes."""
    if not _REGISTRY.fullmatch(registry):
        raise ImageError(
            f"image_registry is {registry!r}; write host or host:port, without https:// and without a path "
            "(a path belongs to image_repository)."
        )
    if not _REPOSITORY.fullmatch(repository):
        raise ImageError(
            f"image_repository is {repository!r}; write a path in lower case without a tag, for example 'team/kafka'."
        )
    return Reference(registry, repository, tag)


# --- the lock --------------------------------------------------------------------------------------------------------

_CHECKSUM_LENGTH = {"sha256": 64, "sha512": 128}


@dataclasses.dataclass(frozen=True)
class Jar:
    """One artifact, as Maven names it, and the checksum it must have."""

    group: str
    artifact: str
    version: str
    classifier: str
    algorithm: str
    checksum: str

    @property
    def coordinates(self) -> str:
        return ":".join(filter(None, (self.group, self.artifact, self.version, self.classifier)))

    @property
    def file(self) -> str:
        return "-".join(filter(None, (self.artifact, self.version, self.classifier))) + ".jar"


def parse_lock(text: str, where: str) -> tuple[Jar, ...]:
    """Read a lock: lines of ``algorithm:checksum group:artifact:version[:classifier]``; ``#`` starts a comment."""
    jars: dict[str, Jar] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        algorithm, _colon, checksum = words[0].partition(":")
        parts = words[1].split(":") if len(words) == 2 else []
        if (
            not re.fullmatch(r"[0-9a-f]+", checksum)
            or len(checksum) != _CHECKSUM_LENGTH.get(algorithm)
            or len(parts) not in (3, 4)
            or not all(parts)
        ):
            raise ImageError(
                f"{where}, line {number}: expected 'sha256:CHECKSUM group:artifact:version[:classifier]' "
                f"(or sha512), found {line.strip()!r}. Make the lock anew with lock_kafka.py."
            )
        jar = Jar(parts[0], parts[1], parts[2], parts[3] if len(parts) == 4 else "", algorithm, checksum)
        if jar.file in jars:
            raise ImageError(
                f"{where}, line {number}: {jar.coordinates} and {jars[jar.file].coordinates} "
                f"are both kept as {jar.file}; "
                "one of them would be lost. Keep one of the two lines."
            )
        jars[jar.file] = jar
    if not jars:
        raise ImageError(f"{where} locks no jar. Make it anew with lock_kafka.py.")
    return tuple(jars.values())


def locked_versions(files: t.Iterable[str]) -> list[str]:
    """The Kafka versions that have a lock, given the names of the files in the directory of locks; oldest first."""
    found = (re.fullmatch(r"kafka-(\d+(?:\.\d+)+)\.lock", file) for file in files)
    return sorted(
        (match[1] for match in found if match), key=lambda version: [int(part) for part in version.split(".")]
    )


def no_lock_message(version: str, locked: t.Sequence[str]) -> str:
    return (
        f"kafka_version is {version!r}, and no list of jars with checksums is kept for it; there is one for "
        f"{', '.join(locked) or 'no version at all'}. "
        f"Choose one of these, make a lock with roles/image/files/lock_kafka.py {version}, "
        "or use an image that has this version: image_flavour: base with image_base, or image_reference."
    )


def jar_differences(jars: t.Iterable[Jar], found: t.Mapping[str, str]) -> list[str]:
    """Compare what was fetched (file name to checksum, by the jar's own algorithm) with the lock; empty: as locked."""
    jars = list(jars)
    said = [
        f"{jar.file} ({jar.coordinates}): {jar.algorithm} expected {jar.checksum}, "
        f"found {found.get(jar.file, 'no such file')}"
        for jar in jars
        if found.get(jar.file) != jar.checksum
    ]
    unknown = sorted(set(found) - {jar.file for jar in jars})
    return said + [f"{file}: not in the lock, expected no such file, found {found[file]}" for file in unknown]


def difference_message(differences: t.Sequence[str], lock: str) -> str:
    return (
        f"What Maven fetched is not what {lock} asks for; nothing was built or pushed:\n"
        + "\n".join(f"  {difference}" for difference in differences)
        + "\nEither a download is damaged (remove the artifact's directory from Maven's local repository, run again), "
        "or the repository that Maven uses serves another file than the one that was locked: find out which before "
        "you trust it. Only if the new file is the right one, make the lock anew with lock_kafka.py."
    )


def render_pom(jars: t.Iterable[Jar]) -> str:
    """A Maven project that depends on exactly these jars, on nothing that they depend on."""
    escape = xml.sax.saxutils.escape
    dependencies = "".join(
        "    <dependency>\n"
        f"      <groupId>{escape(jar.group)}</groupId><artifactId>{escape(jar.artifact)}</artifactId>"
        f"<version>{escape(jar.version)}</version>"
        + (f"<classifier>{escape(jar.classifier)}</classifier>" if jar.classifier else "")
        + "\n      <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>\n"
        "    </dependency>\n"
        for jar in jars
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n'
        "  <modelVersion>4.0.0</modelVersion>\n"
        "  <groupId>kafkaops</groupId><artifactId>image</artifactId><version>1</version><packaging>pom</packaging>\n"
        "  <build><plugins><plugin>\n"
        "    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>"
        f"<version>{DEPENDENCY_PLUGIN}</version>\n"
        "  </plugin></plugins></build>\n"
        f"  <dependencies>\n{dependencies}  </dependencies>\n"
        "</project>\n"
    )


# --- what the content is called --------------------------------------------------------------------------------------


def content_key(parts: t.Mapping[str, str]) -> str:
    """Twelve hexadecimal digits that change whenever a name or a content in ``parts`` does."""
    digest = hashlib.sha256()
    for name in sorted(parts):
        for text in (name, parts[name]):
            data = text.encode()
            digest.update(b"%d:" % len(data))
            digest.update(data)
    return digest.hexdigest()[:12]


def content_tag(kafka_version: str, parts: t.Mapping[str, str]) -> str:
    tag = f"{kafka_version}-{content_key(parts)}"
    if not _TAG.fullmatch(tag):
        raise ImageError(f"kafka_version is {kafka_version!r}; write a release of Kafka, for example '3.9.2'.")
    return tag


# --- the registry ----------------------------------------------------------------------------------------------------


def is_local(registry: str) -> bool:
    """Whether this is a registry on the control node itself, which Docker, too, accepts without TLS."""
    host = registry.rpartition(":")[0] if re.search(r":\d+$", registry) else registry
    return host == "localhost" or host == "[::1]" or re.fullmatch(r"127(\.\d+){3}", host) is not None


def registry_url(registry: str, insecure: bool) -> str:
    return f"{'http' if insecure or is_local(registry) else 'https'}://{registry}"


@dataclasses.dataclass(frozen=True)
class Challenge:
    """What a registry asks for with a 401."""

    scheme: str
    realm: str
    service: str


def parse_challenge(header: str) -> Challenge | None:
    """Read ``WWW-Authenticate``; None if it is of a kind that we cannot answer."""
    scheme, _blank, rest = header.strip().partition(" ")
    values = {key.lower(): value for key, value in re.findall(r'(\w+)\s*=\s*"([^"]*)"', rest)}
    if scheme.lower() == "basic":
        return Challenge("basic", values.get("realm", ""), "")
    if scheme.lower() == "bearer" and values.get("realm", "").startswith(("http://", "https://")):
        return Challenge("bearer", values["realm"], values.get("service", ""))
    return None


def token_url(challenge: Challenge, repository: str, actions: str) -> str:
    """Where to ask for a token that allows ``actions`` (``pull`` or ``pull,push``) on one repository."""
    query = {"service": challenge.service, "scope": f"repository:{repository}:{actions}"}
    separator = "&" if "?" in challenge.realm else "?"
    return challenge.realm + separator + urllib.parse.urlencode({key: value for key, value in query.items() if value})


Kind = t.Literal["present", "absent", "login", "denied", "odd"]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a registry said about a manifest, or about the right to push."""

    kind: Kind
    digest: str = ""
    detail: str = ""


def manifest_answer(status: int, digest: str) -> Answer:
    """Interpret HEAD .../manifests/...: status and ``Docker-Content-Digest``."""
    if status == 200:
        return Answer("present", digest if _DIGEST.fullmatch(digest) else "")
    return _other_answer(status)


def push_answer(status: int) -> Answer:
    """Interpret POST .../blobs/uploads/, the first thing that a push does."""
    return Answer("present") if status in (201, 202) else _other_answer(status)


def _other_answer(status: int) -> Answer:
    kinds: dict[int, Kind] = {401: "login", 403: "denied", 404: "absent"}
    return Answer(kinds.get(status, "odd"), detail=f"status {status}")


def refusal_message(answer: Answer, reference: Reference, url: str, username: str, to: str) -> str:
    """Why a registry did not let us; ``to``: ``ask for`` or ``push``."""
    if answer.kind == "login":
        who = f"does not accept the user {username!r} and the password given" if username else "wants a login"
        return (
            f"The registry {url} {who}: it refused to {to} {reference}. "
            "Set image_registry_username and image_registry_password (from a vault or a credential). "
            "Nothing was built or pushed."
        )
    if answer.kind == "denied":
        who = f"the user {username!r}" if username else "an anonymous user"
        return (
            f"The registry {url} forbids {who} to {to} {reference}. "
            "Give that user the right, or choose another image_repository. Nothing was built or pushed."
        )
    if answer.kind == "absent":
        return (
            f"The registry {url} knows no place for {reference} ({answer.detail}). "
            "Look at image_registry and image_repository: some registries want a project made first. "
            "Nothing was built or pushed."
        )
    return (
        f"The registry {url} gave an answer that makes no sense here ({answer.detail}) when asked to {to} {reference}. "
        "Is that address a registry, and does it work? Nothing was built or pushed."
    )


def unreachable_message(registry: str, url: str, reason: str) -> str:
    hint = ""
    if "ssl" in reason.lower() or "certificate" in reason.lower():
        hint = (
            " It may be one without TLS (then set image_registry_insecure: true, and list it in the engine's "
            "insecure-registries), or its certificate is not trusted here (add the authority to this system, or set "
            "image_validate_certs: false)."
        )
    elif is_local(registry):
        hint = " Nothing may be listening there yet: start the registry, or run the role local_kubernetes, which does."
    return (
        f"The registry {registry} cannot be asked at {url}: {reason}.{hint} "
        "Look at image_registry, or name an image that is already there in image_reference. "
        "Nothing was built or pushed."
    )
