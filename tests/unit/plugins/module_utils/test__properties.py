# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Properties files are read and written as Java does it; tests/oracle asks Java itself."""

from __future__ import annotations

import hypothesis
import pytest
from ansible_collections.kafkaops.kubernetes.plugins.module_utils._properties import decode, read, render
from hypothesis import strategies as st


def pairs(text: str) -> list[tuple[str, str]]:
    return [(entry.key, entry.value) for entry in read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", [("a", "1")]),
        ("a:1\nb 2\nc\t3\nd=\ne", [("a", "1"), ("b", "2"), ("c", "3"), ("d", ""), ("e", "")]),
        ("  a  =  1  ", [("a", "1  ")]),
        ("a = = 1", [("a", "= 1")]),
        ("a\\ b=1\nc\\=d\\:e=2", [("a b", "1"), ("c=d:e", "2")]),
        ("# a=1\n! b=2\n  #c=3\nd=4 # not a comment", [("d", "4 # not a comment")]),
        ("a=1,\\\n   2,\\\r\n\t3\rb=4", [("a", "1,2,3"), ("b", "4")]),
        ("a=1\\\\\nb=2", [("a", "1\\"), ("b", "2")]),
        ("a=1\\\n\nb=2", [("a", "1"), ("b", "2")]),
        ("a=1\\\n# still the value\n", [("a", "1# still the value")]),
        ("\\\n# a comment\nb=2", [("b", "2")]),
        ("a=1\\", [("a", "1")]),
        ("\\", [("", "")]),
        ("\\\n", [("", "")]),
        ("\\\r\n", []),
        ("a=1\\\r\n", [("a", "1")]),
        ("=1", [("", "1")]),
        ("a=\\t\\n\\r\\f\\q\\u0041\\u00e9", [("a", "\t\n\r\fqAé")]),
        ("a=\\ud83d\\ude00", [("a", "😀")]),
        ("a=\\ud83d", [("a", "\ud83d")]),
        ("a=1\na=2", [("a", "1"), ("a", "2")]),
        ("", []),
        ("\n \n\t\n", []),
        ("a\x0b=1", [("a\x0b", "1")]),
    ],
)
def test_a_file_is_read_as_java_reads_it(text: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(text) == expected


@pytest.mark.parametrize("text", ["a=\\u", "a=\\u12", "a=\\u12x4", "a\\u=1", "a=\\U0041\\uXYZA"])
def test_a_broken_escape_is_told(text: str) -> None:
    assert [entry.malformed for entry in read(text)] == [True]


@pytest.mark.parametrize("text", ["a=\\\\u", "a=\\u0041", "a=\\U0041"])
def test_other_escapes_are_not(text: str) -> None:
    assert [entry.malformed for entry in read(text)] == [False]


def test_lines_are_counted_in_the_file() -> None:
    found = read("# one\n\na=1,\\\r\n  2\nb=3\n")
    assert [(entry.key, entry.line, entry.written) for entry in found] == [("a", 3, "a=1,2"), ("b", 5, "b=3")]


def test_bytes_are_latin_1() -> None:
    assert pairs(decode("a=ü".encode())) == [("a", "Ã¼")]
    assert pairs(decode("a=ü".encode("latin-1"))) == [("a", "ü")]


LINE = st.text(st.characters(exclude_characters="\n\r"), max_size=30)


@hypothesis.given(st.dictionaries(st.text("abc.-_äß€😀\\", min_size=1), LINE.map(str.strip)))
def test_what_is_written_is_read_again(properties: dict[str, str]) -> None:
    assert dict(pairs(decode(render(properties).encode("ascii")))) == properties


@hypothesis.given(st.text(st.sampled_from("ab=: \t\f\\\n\r#!u0f\ud800é")))
def test_anything_can_be_read(text: str) -> None:
    assert all(isinstance(entry.line, int) for entry in read(text))


@pytest.mark.parametrize("piece", ["a", "\\", "\\\n", "\\u", "a=\\\n", "\n", "=", "#"])
def test_megabytes_are_no_problem(piece: str) -> None:
    assert len(read(piece * 1_000_000)) <= 1_000_000
