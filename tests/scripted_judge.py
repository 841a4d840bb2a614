"""A judge for the loopback server: it answers any judge prompt in the form that was asked for.

What it answers depends on the record's texts alone, so the same record gets the same verdict in
every run: which code is a matter of their hash, and the quote is cut out of the response.
"""

from __future__ import annotations

import hashlib
import json
import re

RESPONSE = re.compile(r"=== (\w+) response \(.*?\) ===\n(.*?)\n=== \1 end of response ===", re.S)
MARKS = re.compile(r"\b[0-9a-f]{12}\b")


def texts(body) -> tuple[str, str]:
    """Return the user's message without its marks, and the response that is to be coded."""
    content = body["messages"][-1]["content"]
    if not isinstance(content, str):
        content = "\n".join(part.get("text", "") for part in content)
    found = RESPONSE.search(content)
    return MARKS.sub("", content), found[2] if found else ""


def verdict(body) -> str:
    """Return the content of a sound reply to a judge prompt."""
    said, response = texts(body)
    draw = int.from_bytes(hashlib.sha256(said.encode()).digest()[:8], "big")
    quote = response[:40].strip()
    if body.get("response_format", {}).get("type") != "json_schema":
        return "yes"  # a trial of what the server can do
    properties = body["response_format"]["json_schema"]["schema"]["properties"]
    if "applies" in properties:
        applies = draw % 4 == 0
        evidence = [{"source": "response", "quote": quote}] if applies and quote else []
        reply = {"rationale": "By the response.", "applies": applies, "evidence": evidence}
        return json.dumps(reply | {"confidence": 0.5})
    if "codes" not in properties:  # another trial
        return json.dumps({name: one["enum"][0] for name, one in properties.items()})
    names = list(properties["codes"]["properties"])
    given = names[draw % len(names)] if draw % 5 else None
    evidence = [{"code": given, "source": "response", "quote": quote}] if given and quote else []
    return json.dumps(
        {
            "rationale": "The response shows it.",
            "codes": {name: name == given for name in names},
            "evidence": evidence,
            "primary": given or "none",
            "gap_note": "A code is missing." if given == "codebook gap" else "",
            "confidence": round(0.5 + draw % 50 / 100, 2),
        }
    )
