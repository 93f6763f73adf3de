"""SVG text into a file, alone or in a page; a PNG by way of Chromium, which draws it as people will see it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from cli.exit_codes import CommandError, ExitCode, FailedError

_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_OPTIONS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
_SIZE: Final = re.compile(r'<svg [^>]*width="(\d+)" height="(\d+)"')
_PAGE: Final = (
    '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>The Alchemiser</title></head>\n'
    '<body style="margin:0;background:#fff">\n{}</body>\n</html>\n'
)
_SECONDS: Final = 120
_LARGEST_SIDE: Final = 16_000


def save(svg: str, path: Path) -> None:
    """By the suffix: .svg, .html or .png."""
    if path.suffix not in {".svg", ".html", ".png"}:
        raise CommandError(ExitCode.USAGE, f"{path}: expected a name that ends in .svg, .html or .png")
    try:
        if path.suffix == ".png":
            _screenshot(svg, path)
        else:
            path.write_text(svg if path.suffix == ".svg" else _PAGE.format(svg), encoding="utf-8")
    except OSError as error:
        raise FailedError(f"{path}: cannot be written: {error}") from error


def _screenshot(svg: str, path: Path) -> None:
    size = _SIZE.search(svg)
    width, height = (int(side) for side in size.groups()) if size else (1200, 800)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "tree.svg"
        source.write_text(svg, encoding="utf-8")
        screenshot(source, path, width, height)


def screenshot(page: Path, path: Path, width: int, height: int) -> None:
    """The upper left part of a page of the file system, as Chromium shows it. Raises FailedError."""
    if max(width, height) > _LARGEST_SIDE:
        raise FailedError(
            f"{path}: the picture is {width} x {height} pixels, a PNG at most {_LARGEST_SIDE}; write an .svg"
        )
    with tempfile.TemporaryDirectory() as profile:
        command = [_browser(path), *_OPTIONS, f"--user-data-dir={profile}", f"--window-size={width},{height}"]
        command += [f"--screenshot={path.resolve()}", page.resolve().as_uri()]
        ended = subprocess.run(command, capture_output=True, check=False, timeout=_SECONDS)  # noqa: S603 - found by its name, no shell
    if ended.returncode or not path.exists():
        why = ended.stderr.decode(errors="replace")[-300:]
        raise FailedError(f"{path}: {command[0]} ended with {ended.returncode}: {why}")


def _browser(path: Path) -> str:
    found = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    if found is None:
        raise FailedError(
            f"{path}: a PNG needs Chromium ({', '.join(_BROWSERS)}), which is not installed; an .svg needs nothing"
        )
    return found
