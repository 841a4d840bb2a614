"""Every chart of the sections on what the labels of people say, placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from erranal.report import estimate_beside_views, estimate_people, estimate_views

if TYPE_CHECKING:
    from erranal.report.views import Arms


def drawn(estimates: dict[str, Any], arms: Arms) -> dict[str, Any]:
    """Return the charts; those of what is missing are left out."""
    if "missing" in estimates:
        return {}
    there = {name: part for name, part in estimates.items() if "missing" not in part}
    charts: dict[str, Any] = {}
    if "rates" in there:
        compared = there["rates"]["comparisons"]
        charts["rates"] = [estimate_views.rates_chart(one, arms) for one in compared]
    if "changes" in there:
        compared = there["changes"]["comparisons"]
        charts["changes"] = [estimate_views.changes_chart(one) for one in compared]
        charts["equivalence"] = [estimate_views.equivalence_chart(one) for one in compared]
        charts["equal_length"] = [estimate_beside_views.equal_length_chart(one) for one in compared]
        charts["groups"] = [estimate_views.groups_charts(one) for one in compared]
    if "trust" in there:
        charts["trust"] = estimate_people.trust_table(there["trust"], arms)
    if "coders" in there:
        parts, shown = there["coders"]["parts"], there["coders"]["anchoring"]
        charts["coders"] = [estimate_people.coders_chart(one) for one in parts]
        charts["anchoring"] = estimate_people.anchoring_chart(shown)
    return charts
