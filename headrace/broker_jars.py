"""Kafka itself: which Java runs it, and its jars, resolved once by Maven into a cache folder.

`pom.xml` beside this file says which Kafka that is; from where it comes is Maven's affair. Order of effects: 1 resolve
into a folder aside; 2 rename it into place. Who comes second throws its own away.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path

from streams.errors import HeadraceError

LEAST_JAVA = 17
INSTALL = "apt-get install default-jre-headless maven"
LAST_LINES = 12


class BrokerError(HeadraceError):
    """No broker can be had here, or not in this way; the message says what to do."""


def java(environ: Mapping[str, str]) -> str:
    """The Java to run: that of JAVA_HOME, or the first of PATH. Raises BrokerError where it is none or too old."""
    home = environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=environ.get("PATH", ""))
    if found is None or not Path(found).exists():
        where = f"JAVA_HOME is {home}, but has no bin/java" if home else "there is no `java` in PATH"
        raise BrokerError(f"{where}, and Kafka needs Java {LEAST_JAVA} or newer. Install it: {INSTALL}")
    told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = major(told)
    if version is None or version < LEAST_JAVA:
        shown = f"Java {version}" if version else f"no Java that tells its version ({told.strip()[:80]!r})"
        raise BrokerError(f"{found} is {shown}, but Kafka needs {LEAST_JAVA} or newer. Install one: {INSTALL}")
    return found


def major(told: str) -> int | None:
    """The major version in the words of `java -version`.

    >>> major('openjdk version "17.0.15" 2025-04-15'), major('java version "1.8.0_202"'), major("no such file")
    (17, 8, None)
    """
    found = re.search(r'version "(?:1\.)?(\d+)', told)
    return int(found[1]) if found else None


def kafka_version() -> str:
    """The version that `pom.xml` names."""
    found = re.search(r"<kafka\.version>(.+?)</kafka\.version>", _pom())
    if found is None:
        raise BrokerError("pom.xml names no <kafka.version>; it is part of Headrace: install Headrace anew")
    return found[1]


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where the jars are kept.

    >>> cache_folder({"XDG_CACHE_HOME": "/cache"}).parent
    PosixPath('/cache/headrace')
    """
    root = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".cache"
    return Path(root) / "headrace" / f"kafka-{kafka_version()}"


def jars(environ: Mapping[str, str], tell: Callable[[str], None]) -> Path:
    """The folder of Kafka's jars, resolved now where it is not there yet. Raises BrokerError."""
    place = cache_folder(environ)
    if place.is_dir():
        return place
    maven = shutil.which("mvn", path=environ.get("PATH", ""))
    if maven is None:
        raise BrokerError(
            f"Kafka's jars are not in {place} yet, and there is no `mvn` in PATH that could fetch them. "
            f"Install Maven: {INSTALL}"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".aside.") as aside:
        _resolve(maven, Path(aside), environ, tell)
        return _put(Path(aside) / "jars", place)


def _resolve(maven: str, aside: Path, environ: Mapping[str, str], tell: Callable[[str], None]) -> None:
    (aside / "pom.xml").write_text(_pom())
    tell(f"Fetching Kafka {kafka_version()} with Maven, once")
    command = [maven, "--batch-mode", "-f", "pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime"]
    said, fetched = list[str](), 0
    with subprocess.Popen(
        [*command, f"-DoutputDirectory={aside / 'jars'}"], cwd=aside, env=dict(environ), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            said = [*said, line.rstrip()][-200:]
            if "Downloaded from" in line:
                fetched += 1
                tell(f"Fetching Kafka {kafka_version()} with Maven, once: {fetched} files")
    if process.returncode:
        wrong = [line for line in said if line.startswith("[ERROR]")] or said
        raise BrokerError(
            f"{maven} ended with status {process.returncode}:\n" + "\n".join(wrong[:LAST_LINES]) + "\n"
            "It may have no way to its repository: `mvn dependency:get -Dartifact=org.slf4j:slf4j-simple:1.7.36` tells."
        )


def _put(made: Path, place: Path) -> Path:
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():  # else another process was faster
            raise
    return place


def _pom() -> str:
    return (files("headrace") / "pom.xml").read_text()


def classpath(folder: Path) -> str:
    """What Java takes for all the jars of a folder."""
    return f"{folder}{os.sep}*"
