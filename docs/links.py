"""Links inside of documents: which of them lead nowhere. Files only, no network.

    broken_in_markdown(path)     relative files and #anchors of one page
    broken_in_pages(folder)      the same of a folder of HTML

A link into the web is not followed. Anchors of Markdown are made as GitHub makes them, from headings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

SKIPPED_FOLDERS = {".git", ".venv", ".venv-bare", "node_modules", "dist", "build", "out"}
FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
HEADING = re.compile(r"^#{1,6} +(.+?)(?: +#+)?$", re.MULTILINE)
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.IGNORECASE)


def markdown_files(root: Path) -> list[Path]:
    """All of a checkout, but for what was installed or built."""
    return [path for path in sorted(root.rglob("*.md")) if SKIPPED_FOLDERS.isdisjoint(path.parts)]


def broken_in_markdown(path: Path) -> list[str]:
    """The links of a page to files that are not there, or to anchors that those do not have."""
    text = CODE.sub("", FENCE.sub("", path.read_text(encoding="utf-8")))
    return [link for link in LINK.findall(text) if not _leads_somewhere(path, link)]


def _leads_somewhere(page: Path, link: str) -> bool:
    if ELSEWHERE.match(link):
        return True
    file, _, anchor = unquote(link).partition("#")
    goal = (page.parent / file).resolve() if file else page
    if not goal.exists():
        return False
    return not anchor or goal.suffix != ".md" or anchor in anchors(goal)


@cache
def anchors(path: Path) -> frozenset[str]:
    """Those of a Markdown page: headings in lower case, hyphens for spaces, punctuation left out, repeats numbered."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in HEADING.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(found)


class _Page(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if (anchor := given.get("id")) is not None:
            self.anchors.add(anchor)
        if tag == "a" and (link := given.get("href")) is not None:
            self.links.append(unquote(link))


def broken_in_pages(folder: Path) -> Iterator[str]:
    """Every link of a folder's pages that leads nowhere, as "page: link"."""
    pages = {
        path.resolve(): _Page(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))
    }
    for path, page in pages.items():
        for link in dict.fromkeys(page.links):
            file, _, anchor = link.partition("#")
            goal = (path.parent / file).resolve() if file else path
            there = goal in pages and (not anchor or anchor in pages[goal].anchors)
            if not there and not ELSEWHERE.match(link):
                yield f"{path.relative_to(folder.resolve())}: {link}"
