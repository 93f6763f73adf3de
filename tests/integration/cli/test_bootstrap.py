"""What a fresh machine is told when something is missing: one line that says what to install."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
TOO_OLD = '#!/bin/sh\ncase "$*" in *version_info*) exit 1;; *--version*) echo "Python 3.9.2";; esac\n'
NO_VENV = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\n'
BROKEN_VENV = '#!/bin/sh\ncase "$*" in "-m venv"*) exit 3;; esac\n'


@pytest.mark.parametrize(
    ("python", "said"),
    [
        (None, "no python-of-this-test on the PATH; Python 3.11 or newer is needed"),
        (TOO_OLD, "Python 3.9.2 is too old; Python 3.11 or newer is needed"),
        (NO_VENV, "Python's venv is missing (Debian: apt-get install python3-venv)"),
        (BROKEN_VENV, "-m venv ended with an error"),
    ],
)
def test_what_is_missing_is_said_in_one_line(tmp_path: Path, python: str | None, said: str) -> None:
    program = tmp_path / "python-of-this-test"
    if python is not None:
        program.write_text(python)
        program.chmod(0o755)
    folder = tmp_path / "environment"
    name = "python-of-this-test" if python is None else str(program)
    ended = subprocess.run(
        [str(ROOT / "scripts" / "make-venv"), name, str(folder)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not folder.exists()


def test_every_make_target_is_in_the_list_that_make_alone_shows() -> None:
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "check", "lock", "clean", "up", "down"):
        assert f"make {target} " in listed


def test_no_locked_file_names_an_index_and_every_requirement_has_hashes() -> None:
    locks = sorted((ROOT / "requirements").glob("*.lock"))
    assert {"dev.lock", "demo.lock", "conformance-0.42.0.lock", "conformance-0.44.0.lock"} <= {p.name for p in locks}
    for lock in locks:
        text = lock.read_text()
        assert "://" not in text, lock.name
        assert "--index" not in text, lock.name
        pinned = [block for block in text.split("\n\n") for block in _requirements(block)]
        assert pinned, lock.name
        assert [p for p in pinned if "--hash=sha256:" not in p] == [], lock.name


def _requirements(text: str) -> list[str]:
    """Each requirement with its continuation lines."""
    joined = text.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
