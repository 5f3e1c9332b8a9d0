"""Takes the files outside docs/ that a page links to, examples and manifests, into the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from typing import Any

    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

LINK = re.compile(r"(?<=\]\()(?!\w+:)([\w./-]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what the pages link to, and what the pages added link to in turn."""
    root = Path(config.docs_dir).parent
    pages = [("docs", file.content_string) for file in files.documentation_pages()]
    while pages:
        folder, text = pages.pop()
        for link in LINK.findall(text):
            name = posixpath.normpath(posixpath.join(folder, link))
            path = root / name
            if name.startswith("docs/") or name in files.src_uris or not path.is_file():
                continue
            files.append(File.generated(config, name, abs_src_path=str(path)))
            if path.suffix == ".md":
                pages.append((posixpath.dirname(name), path.read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Point at where those files stand in the site: beside the pages, not above them."""
    if page.file.generated_by:
        return markdown.replace("](../docs/", "](../")
    return markdown.replace("](../", "](")
