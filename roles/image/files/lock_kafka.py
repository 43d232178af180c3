#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
"""Write the lock of a Kafka release: the jars that Maven resolves for it now, and the checksum of each.

    roles/image/files/lock_kafka.py 3.9.2

A person runs this once per release and reviews the difference; the role only ever compares with the lock.
Needs Maven (with the settings of this machine) and nothing else.
"""

from __future__ import annotations

import hashlib
import pathlib
import subprocess
import sys
import tempfile

LOCKS = pathlib.Path(__file__).resolve().parent / "locks"

# Kafka's own poms name no logging backend, or an older one than its distribution ships.
LOGGING = {
    "3": ["ch.qos.reload4j:reload4j:1.2.25", "org.slf4j:slf4j-reload4j:1.7.36"],
    "4": [
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",
        "org.apache.logging.log4j:log4j-core:2.25.4",
        "org.apache.logging.log4j:log4j-api:2.25.4",
    ],
}

# The Connect worker and its web server: nothing in this image runs them.
LEFT_OUT = ["org.apache.kafka:connect-runtime"]

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kafkaops</groupId><artifactId>lock</artifactId><version>1</version><packaging>pom</packaging>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId><version>3.6.1</version>
  </plugin></plugins></build>
  <dependencies>
{dependencies}  </dependencies>
</project>
"""

HEADER = """# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) kafkaops.kubernetes contributors
#
# Kafka {version}: every jar of the image and its checksum. Written by lock_kafka.py {version}; do not edit.
"""


def dependency(coordinates: str, left_out: list[str]) -> str:
    """One <dependency>."""
    group, artifact, version = coordinates.split(":")
    exclusions = "".join(
        "<exclusion><groupId>{}</groupId><artifactId>{}</artifactId></exclusion>".format(*name.split(":"))
        for name in left_out
    )
    return (
        f"    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>"
        f"<exclusions>{exclusions}</exclusions></dependency>\n"
    )


def resolve(version: str) -> list[tuple[str, pathlib.Path]]:
    """What Maven resolves: coordinates and the file in its local repository."""
    wanted = [
        *LOGGING[version.split(".")[0]],
        f"org.apache.kafka:kafka_2.13:{version}",
        f"org.apache.kafka:kafka-tools:{version}",
    ]
    with tempfile.TemporaryDirectory() as directory:
        pom = pathlib.Path(directory) / "pom.xml"
        pom.write_text(POM.format(dependencies="".join(dependency(name, LEFT_OUT) for name in wanted)))
        listing = pathlib.Path(directory) / "list.txt"
        command = ["mvn", "-B", "-q", "--strict-checksums", "-f", str(pom), "dependency:list", "-DincludeScope=runtime"]
        subprocess.run([*command, f"-DoutputFile={listing}", "-DoutputAbsoluteArtifactFilename=true"], check=True)
        lines = [line.partition(" -- ")[0].strip().split(":") for line in listing.read_text().splitlines()]
    # group:artifact:jar[:classifier]:version:scope:path
    return [
        (":".join([words[0], words[1], words[-3], *words[3:-3]]), pathlib.Path(words[-1]))
        for words in lines
        if len(words) >= 6
    ]


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1].split(".")[0] not in LOGGING:
        sys.exit(f"usage: lock_kafka.py VERSION   (a release of Kafka {' or '.join(LOGGING)}, for example 3.9.2)")
    version = sys.argv[1]
    jars = sorted(resolve(version))
    lines = [f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()} {coordinates}\n" for coordinates, path in jars]
    lock = LOCKS / f"kafka-{version}.lock"
    lock.write_text(HEADER.format(version=version) + "".join(lines))
    print(f"{lock}: {len(lines)} jars, {sum(path.stat().st_size for _name, path in jars) / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
