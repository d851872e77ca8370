"""A run as ReportPortal imports it: JUnit XML in a ZIP, for its import button or its import API."""

from __future__ import annotations

import zipfile
from pathlib import Path

from harness.report import junit
from harness.report.privacy import Screen


def export(run_dir: Path, screen: Screen, out: Path) -> list[Path]:
    """Write the ZIP; its name becomes the launch's."""
    xml = out / f"{run_dir.name}.xml"
    path = out / f"{run_dir.name}.zip"
    junit.write(run_dir, xml, with_measurements=True, screen=screen)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(xml, xml.name)
    xml.unlink()
    return [path]
