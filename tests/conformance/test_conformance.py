"""Unmodified alpaca-py, both versions in environments of their own, drives the simulator; every answer is validated."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.differences import DIFFERENCES, Difference, as_markdown
from tests.conformance.openapi import Fault, alpaca
from tests.conformance.recording import recorded_simulator
from tests.conftest import need

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = Path(__file__).parent / "scenarios"
OPENAPI = ROOT.parent / "shared" / "openapi"
AT_LEAST = 60
_ALONE = ["-c", str(SCENARIOS / "pytest.ini"), "--rootdir", str(SCENARIOS), "--confcutdir", str(SCENARIOS)]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", ["0.44.0", "0.42.0"])
def test_an_unmodified_alpaca_py_drives_every_scenario(
    version: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    python = ROOT / f".venv-alpaca-{version}" / "bin" / "python"
    need(f"the environment of alpaca-py {version} (`make .venv-alpaca-{version}`)", present=python.is_file())
    need(f"Alpaca's OpenAPI files ({OPENAPI})", present=OPENAPI.is_dir())
    with recorded_simulator() as (url, recorder):
        report = tmp_path / "report.xml"
        run = subprocess.run(
            [
                str(python),
                "-m",
                "pytest",
                "-q",
                str(SCENARIOS),
                "-c",
                str(SCENARIOS / "pytest.ini"),
                "--rootdir",
                str(SCENARIOS),
                "--confcutdir",
                str(SCENARIOS),
                f"--junitxml={report}",
            ],
            env={**os.environ, "SIM_URL": url, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )
    assert report.is_file(), run.stdout + run.stderr
    passed, failed = _count(report)
    faults = Counter(fault for exchange in recorder.exchanges for fault in alpaca(OPENAPI).faults(exchange))
    unexplained = [fault for fault in faults if not any(_explains(row, fault) for row in DIFFERENCES)]
    needless = [row for row in DIFFERENCES if not any(_explains(row, fault) for fault in faults)]
    summary = f"{passed} of {passed + failed} scenarios pass; {len(recorder.exchanges)} REST answers validated"
    record_property("report", f"alpaca-py {version}: {summary}")
    assert failed == 0, run.stdout[-6000:]
    assert passed >= AT_LEAST
    assert unexplained == [], "answers that differ from the OpenAPI files and are not in the table"
    assert needless == [], "differences that no longer occur"


def _count(report: Path) -> tuple[int, int]:
    suite = ET.parse(report).getroot().find("testsuite")  # noqa: S314 - pytest wrote it
    assert suite is not None
    bad = sum(int(suite.attrib[name]) for name in ("failures", "errors", "skipped"))
    return int(suite.attrib["tests"]) - bad, bad


def _explains(difference: Difference, fault: Fault) -> bool:
    same_operation = difference.operation in ("*", fault.operation)
    return same_operation and difference.place == fault.place and difference.what in fault.what


def test_the_page_on_conformance_shows_the_table() -> None:
    assert as_markdown() in (ROOT / "docs" / "conformance.md").read_text()
