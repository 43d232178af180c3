# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""What the broker image is made of: each rule with a case that fails and a near twin that passes."""

from __future__ import annotations

import pathlib
import xml.etree.ElementTree

import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils import _image
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._image import Answer, ImageError, Reference

DIGEST = "sha256:" + "a1" * 32
LOCKS = pathlib.Path(__file__).parents[4] / "roles" / "image" / "files" / "locks"

TEST_REFERENCE: list[tuple[str, Reference]] = [
    ("kafka", Reference("", "kafka")),
    ("apache/kafka:4.3.1", Reference("", "apache/kafka", "4.3.1")),
    ("localhost/kafka", Reference("localhost", "kafka")),
    ("localhost:5000/kafka:3.9.2-0123", Reference("localhost:5000", "kafka", "3.9.2-0123")),
    ("registry.example/team/kafka", Reference("registry.example", "team/kafka")),
    (f"registry.example/kafka@{DIGEST}", Reference("registry.example", "kafka", "", DIGEST)),
    (f"registry.example:5000/a/b__c/d-e:1@{DIGEST}", Reference("registry.example:5000", "a/b__c/d-e", "1", DIGEST)),
    ("[::1]:5000/kafka", Reference("[::1]:5000", "kafka")),
]


@pytest.mark.parametrize(("text", "expected"), TEST_REFERENCE)
def test_parse_reference(text: str, expected: Reference) -> None:
    assert _image.parse_reference(text, "image_reference") == expected
    assert str(expected) == text


TEST_REFERENCE_REFUSED: list[str] = [
    "",
    "Kafka",
    "kafka:",
    "kafka:-1",
    "kafka:" + "x" * 129,
    "registry.example/",
    "registry.example//kafka",
    "https://registry.example/kafka",
    "kafka@",
    f"kafka@{DIGEST[:-1]}",
    f"kafka@{DIGEST.replace('a', 'A')}",
    "kafka:1:2",
    "registry.example:port/kafka",
    "two words",
]


@pytest.mark.parametrize("text", TEST_REFERENCE_REFUSED)
def test_parse_reference_refused(text: str) -> None:
    with pytest.raises(ImageError, match=r"image_base is .* not the name of an image"):
        _image.parse_reference(text, "image_base")


def test_longest_tag_passes() -> None:
    assert _image.parse_reference("kafka:" + "x" * 128, "image_base").tag == "x" * 128


def test_pinned_drops_the_tag() -> None:
    assert (
        _image.parse_reference(f"localhost:5000/kafka:1@{DIGEST}", "image_reference").pinned
        == f"localhost:5000/kafka@{DIGEST}"
    )


TEST_TARGET_REFUSED: list[tuple[str, str, str]] = [
    ("https://registry.example", "kafka", "image_registry"),
    ("registry.example/team", "kafka", "image_registry"),
    ("registry.example:", "kafka", "image_registry"),
    ("registry.example", "Kafka", "image_repository"),
    ("registry.example", "kafka:1", "image_repository"),
    ("registry.example", "/kafka", "image_repository"),
]


@pytest.mark.parametrize(("registry", "repository", "culprit"), TEST_TARGET_REFUSED)
def test_target_refused(registry: str, repository: str, culprit: str) -> None:
    with pytest.raises(ImageError, match=f"^{culprit} is"):
        _image.target_reference(registry, repository)


@pytest.mark.parametrize("registry", ["registry.example", "registry.example:443", "registry", "10.0.0.1:5000"])
def test_target(registry: str) -> None:
    assert str(_image.target_reference(registry, "team/kafka", "1")) == f"{registry}/team/kafka:1"


# --- the lock

SHA256 = "sha256:" + "0f" * 32
SHA512 = "sha512:" + "0f" * 64
LOCK = f"""# a comment

{SHA256} org.example:one:1.0   # another
{SHA512} org.example:two:2.0:linux-x86_64
"""


def test_parse_lock() -> None:
    one, two = _image.parse_lock(LOCK, "kafka-1.lock")
    assert (one.file, one.algorithm, one.coordinates) == ("one-1.0.jar", "sha256", "org.example:one:1.0")
    assert (two.file, two.algorithm, two.coordinates) == (
        "two-2.0-linux-x86_64.jar",
        "sha512",
        "org.example:two:2.0:linux-x86_64",
    )


TEST_LOCK_REFUSED: list[tuple[str, str]] = [
    ("", "locks no jar"),
    ("# nothing\n", "locks no jar"),
    ("org.example:one:1.0", "line 1: expected"),
    (f"\n{SHA256}", "line 2: expected"),
    (f"{SHA256} org.example:one", "line 1: expected"),
    (f"{SHA256} org.example::1.0", "line 1: expected"),
    (f"{SHA256} a:b:c:d:e", "line 1: expected"),
    (f"{SHA256} a:b:c d", "line 1: expected"),
    (f"{SHA256[:-1]} a:b:c", "line 1: expected"),
    (f"{SHA256.upper()} a:b:c", "line 1: expected"),
    (f"{SHA512.replace('512', '256')} a:b:c", "line 1: expected"),
    (f"md5:{'0f' * 16} a:b:c", "line 1: expected"),
    (f"{SHA256} a:one:1\n{SHA256} b:one:1", "line 2: b:one:1 and a:one:1 are both kept as one-1.jar"),
]


@pytest.mark.parametrize(("text", "message"), TEST_LOCK_REFUSED)
def test_parse_lock_refused(text: str, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        _image.parse_lock(text, "kafka-1.lock")


def test_same_artifact_in_two_versions_is_no_clash() -> None:
    assert len(_image.parse_lock(f"{SHA256} a:one:1\n{SHA256} b:one:2", "kafka-1.lock")) == 2


def test_locked_versions() -> None:
    files = ["kafka-3.10.0.lock", "kafka-3.9.2.lock", "kafka-3.9.2.lock.orig", "README.md", "kafka-next.lock"]
    assert _image.locked_versions(files) == ["3.9.2", "3.10.0"]
    assert "3.9.2, 3.10.0" in _image.no_lock_message("1", ["3.9.2", "3.10.0"])
    assert "no version at all" in _image.no_lock_message("1", [])


@pytest.mark.parametrize("version", ["3.9.2", "4.3.1"])
def test_shipped_locks(version: str) -> None:
    """They parse, they have Kafka and exactly one logging backend, and ZooKeeper only where it is still used."""
    jars = {jar.artifact: jar for jar in _image.parse_lock((LOCKS / f"kafka-{version}.lock").read_text(), version)}
    assert {jars[name].version for name in ("kafka_2.13", "kafka-tools", "kafka-server", "kafka-clients")} == {version}
    old = version.startswith("3.")
    assert ("slf4j-reload4j" in jars, "log4j-slf4j-impl" in jars, "zookeeper" in jars) == (old, not old, old)


# --- comparing

JARS = _image.parse_lock(LOCK, "kafka-1.lock")
AS_LOCKED = {"one-1.0.jar": "0f" * 32, "two-2.0-linux-x86_64.jar": "0f" * 64}

TEST_DIFFERENCES: list[tuple[dict[str, str], list[str]]] = [
    ({}, []),
    (
        {"one-1.0.jar": "ee" * 32},
        [f"one-1.0.jar (org.example:one:1.0): sha256 expected {'0f' * 32}, found {'ee' * 32}"],
    ),
    ({"three-3.jar": "ee"}, ["three-3.jar: not in the lock, expected no such file, found ee"]),
]


@pytest.mark.parametrize(("change", "expected"), TEST_DIFFERENCES)
def test_jar_differences(change: dict[str, str], expected: list[str]) -> None:
    assert _image.jar_differences(JARS, {**AS_LOCKED, **change}) == expected


def test_missing_jar() -> None:
    found = {file: checksum for file, checksum in AS_LOCKED.items() if not file.startswith("one")}
    (said,) = _image.jar_differences(JARS, found)
    assert said.endswith("found no such file")
    assert said in _image.difference_message([said], "kafka-1.lock")


def test_pom_names_every_jar_and_nothing_that_it_depends_on() -> None:
    space = {"m": "http://maven.apache.org/POM/4.0.0"}
    pom = xml.etree.ElementTree.fromstring(_image.render_pom(JARS))
    dependencies = pom.findall("m:dependencies/m:dependency", space)
    assert [dependency.findtext("m:artifactId", None, space) for dependency in dependencies] == ["one", "two"]
    assert [dependency.findtext("m:classifier", None, space) for dependency in dependencies] == [None, "linux-x86_64"]
    assert [
        dependency.findtext("m:exclusions/m:exclusion/m:artifactId", None, space) for dependency in dependencies
    ] == ["*", "*"]


# --- what the content is called

PARTS = {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    "other", [{"a": "1"}, {"a": "1", "b": "3"}, {"a": "1", "c": "2"}, {"a": "12", "b": ""}, {"a": "1b2", "b": "2"}]
)
def test_content_key_changes(other: dict[str, str]) -> None:
    assert _image.content_key(other) != _image.content_key(PARTS)


def test_content_key_ignores_order() -> None:
    assert _image.content_key({"b": "2", "a": "1"}) == _image.content_key(PARTS)


def test_content_tag() -> None:
    assert _image.content_tag("3.9.2", PARTS) == f"3.9.2-{_image.content_key(PARTS)}"
    with pytest.raises(ImageError, match="kafka_version"):
        _image.content_tag("3.9.2 or so", PARTS)


# --- the registry

TEST_URL: list[tuple[str, bool, str]] = [
    ("localhost", False, "http"),
    ("localhost:5000", False, "http"),
    ("127.0.0.1:5000", False, "http"),
    ("127.9.9.9", False, "http"),
    ("[::1]:5000", False, "http"),
    ("localhost.example:5000", False, "https"),
    ("127.example", False, "https"),
    ("registry.example", False, "https"),
    ("registry.example:5000", True, "http"),
]


@pytest.mark.parametrize(("registry", "insecure", "scheme"), TEST_URL)
def test_registry_url(registry: str, insecure: bool, scheme: str) -> None:
    assert _image.registry_url(registry, insecure) == f"{scheme}://{registry}"


TEST_CHALLENGE: list[tuple[str, _image.Challenge | None]] = [
    ('Basic realm="a b"', _image.Challenge("basic", "a b", "")),
    ("basic", _image.Challenge("basic", "", "")),
    ('Bearer realm="https://a/token",service="s"', _image.Challenge("bearer", "https://a/token", "s")),
    (
        'bearer service = "s, t" , realm="https://a/token?x=1"',
        _image.Challenge("bearer", "https://a/token?x=1", "s, t"),
    ),
    ('Bearer service="s"', None),
    ('Bearer realm="file:///etc/passwd"', None),
    ('Negotiate realm="https://a"', None),
    ("", None),
]


@pytest.mark.parametrize(("header", "expected"), TEST_CHALLENGE)
def test_parse_challenge(header: str, expected: _image.Challenge | None) -> None:
    assert _image.parse_challenge(header) == expected


TEST_TOKEN: list[tuple[str, str, str]] = [
    ("https://a/token", "s", "https://a/token?service=s&scope=repository%3At%2Fk%3Apull%2Cpush"),
    ("https://a/token", "", "https://a/token?scope=repository%3At%2Fk%3Apull%2Cpush"),
    ("https://a/token?x=1", "", "https://a/token?x=1&scope=repository%3At%2Fk%3Apull%2Cpush"),
]


@pytest.mark.parametrize(("realm", "service", "expected"), TEST_TOKEN)
def test_token_url(realm: str, service: str, expected: str) -> None:
    assert _image.token_url(_image.Challenge("bearer", realm, service), "t/k", "pull,push") == expected


TEST_MANIFEST: list[tuple[int, str, Answer]] = [
    (200, DIGEST, Answer("present", DIGEST)),
    (200, "", Answer("present", "")),
    (200, "md5:00", Answer("present", "")),
    (401, DIGEST, Answer("login", "", "status 401")),
    (403, "", Answer("denied", "", "status 403")),
    (404, "", Answer("absent", "", "status 404")),
    (302, "", Answer("odd", "", "status 302")),
    (500, "", Answer("odd", "", "status 500")),
]


@pytest.mark.parametrize(("status", "digest", "expected"), TEST_MANIFEST)
def test_manifest_answer(status: int, digest: str, expected: Answer) -> None:
    assert _image.manifest_answer(status, digest) == expected


@pytest.mark.parametrize(
    ("status", "kind"), [(202, "present"), (201, "present"), (200, "odd"), (401, "login"), (404, "absent")]
)
def test_push_answer(status: int, kind: str) -> None:
    assert _image.push_answer(status).kind == kind


TEST_REFUSAL: list[tuple[Answer, str, str]] = [
    (Answer("login"), "", "wants a login"),
    (Answer("login"), "me", "does not accept the user 'me'"),
    (Answer("denied"), "", "forbids an anonymous user to push"),
    (Answer("denied"), "me", "forbids the user 'me' to push"),
    (Answer("absent", detail="status 404"), "", "knows no place"),
    (Answer("odd", detail="status 500"), "", "makes no sense here (status 500)"),
]


@pytest.mark.parametrize(("answer", "username", "expected"), TEST_REFUSAL)
def test_refusal_message(answer: Answer, username: str, expected: str) -> None:
    said = _image.refusal_message(answer, Reference("r.example", "kafka", "1"), "https://r.example", username, "push")
    assert expected in said
    assert "Nothing was built or pushed." in said


TEST_UNREACHABLE: list[tuple[str, str, str]] = [
    ("r.example", "[SSL: WRONG_VERSION_NUMBER]", "image_registry_insecure"),
    ("r.example", "certificate verify failed", "image_validate_certs"),
    ("localhost:5000", "Connection refused", "local_kubernetes"),
    ("r.example", "Connection refused", "Connection refused. Look at"),
]


@pytest.mark.parametrize(("registry", "reason", "expected"), TEST_UNREACHABLE)
def test_unreachable_message(registry: str, reason: str, expected: str) -> None:
    assert expected in _image.unreachable_message(registry, "https://r", reason)
