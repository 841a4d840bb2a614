"""Report: everything in the study as one HTML page that opens with no network.

A plain summary comes first (:func:`summary`, what ``erranal report --json`` prints), then the page
is made from it; nothing is computed in the template. The page carries its charts as placed marks
in tables, so they print and follow light and dark, and its records as compressed JSON, so that
tens of thousands of them open at once. Texts of the study never reach the page as markup, and its
content security policy allows only its own script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from erranal.store import Study

    Progress = Callable[[int, int, str], None]

_STEPS = 3


def default_path(study: Study) -> Path:
    """Return where the page goes when nobody says: beside the study, with suffix ``.html``."""
    return study.path.with_suffix(".html")


def summary(study: Study, *, judge: str | None = None) -> dict[str, Any]:
    """Return what the page says as plain JSON values; see :mod:`erranal.report.content`."""
    from erranal.report import content

    return content.summarise(study, judge=judge)


def run(
    study: Study,
    *,
    path: str | Path | None = None,
    title: str | None = None,
    notice: str | None = None,
    max_browser: int | None = None,
    judge: str | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Write the page.

    Parameters
    ----------
    study
        The study; stages that have not run are named on the page with the command to run.
    path
        Where to write; by default beside the study with suffix ``.html``. Written whole or not
        at all.
    title, notice
        Heading of the page, and a banner above everything (e.g. that the data are simulated).
    max_browser
        Outputs that the page's browser may hold, 50,000 by default; cases that only some arms got
        right come first, and the page says how many are left out.
    judge
        ``NAME[+CODEBOOK]`` of the judge whose codes to show. By default the newest that has read
        at least 80 % of the errors, rules only where there is no other; else the one that has read
        the most. The page says which it is, and why.
    progress
        Called with what is done, of how much, and of what.

    Returns
    -------
    DataFrame
        One row: path, bytes, seconds, sections (with content), records.

    Raises
    ------
    StageError
        When the study has no outputs, ``max_browser`` is negative, or there is no such judge.
    """
    from pathlib import Path

    from erranal.errors import StageError
    from erranal.report import browser

    if max_browser is not None and max_browser < 0:
        raise StageError(f"max_browser must be 0 or more, got {max_browser}")
    if study.count("outputs") == 0:
        raise StageError("the study has no outputs to report: run `erranal run FILES` first")
    target = Path(path) if path is not None else default_path(study)
    limit = browser.DEFAULT_MAX if max_browser is None else max_browser
    parameters = {"path": path and str(path), "title": title, "notice": notice, "judge": judge}
    with study.journal("report", parameters | {"max_browser": max_browser}) as entry:
        asked = {"title": title, "notice": notice, "judge": judge}
        frame = _write(study, target, limit, progress or _silent, **asked)
        entry.count(
            **{name: frame[name].iloc[0].item() for name in ("bytes", "sections", "records")}
        )
    return frame


def _silent(done: int, total: int, label: str) -> None:
    del done, total, label


def _write(
    study: Study,
    target: Path,
    limit: int,
    progress: Progress,
    *,
    title: str | None,
    notice: str | None,
    judge: str | None,
) -> pd.DataFrame:
    import time
    from datetime import datetime

    import pandas as pd

    from erranal.report import browser, content, page, views

    started = time.monotonic()
    progress(0, _STEPS, "report")
    found = content.summarise(study, judge=judge)
    progress(1, _STEPS, "report")
    arms = views.Arms(found["arms"])
    blocks, size = browser.blocks(study, found, arms, scorer=content.SCORER, limit=limit)
    progress(2, _STEPS, "report")
    html = page.render(
        found,
        blocks,
        size,
        title=title or study.path.stem.replace("_", " "),
        notice=notice,
        written=datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z"),
    )
    page.write(target, html)
    progress(_STEPS, _STEPS, "report")
    row = {
        "path": str(target),
        "bytes": target.stat().st_size,
        "seconds": round(time.monotonic() - started, 3),
        "sections": sum(1 for part in content.SECTIONS if _has_content(found[part])),
        "records": size["shown"],
    }
    return pd.DataFrame([row])


def _has_content(part: Any) -> bool:
    return bool(part) and not (isinstance(part, dict) and "missing" in part)
