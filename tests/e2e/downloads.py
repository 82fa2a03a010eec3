"""How a test takes an export from the Export page."""

from __future__ import annotations

import zipfile
from typing import Any

from tests.e2e.review import settled


def download(page: Any, name: str) -> dict[str, bytes]:
    """Download the export `name`; return the content of its files by their names.

    A button whose page is just being drawn anew leads to what Streamlit has forgotten already.
    """
    settled(page)
    button = f".st-key-export__download__{name} [data-testid=stDownloadButton] button"
    with page.expect_download() as waiting:
        page.locator(button).first.click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        return {member: archive.read(member) for member in archive.namelist()}
