"""Codebooks: the list of error codes, their definitions and the rules that decide between them.

A codebook is a YAML file with a version. :func:`load` reads one by name (the books that come with
the package) or by path, checks it whole, and reports every problem with its line.
"""

from erranal.codebook.book import Code, Codebook, Example, Family, Step
from erranal.codebook.library import from_text, load, names
from erranal.codebook.tables import rows

__all__ = ["Code", "Codebook", "Example", "Family", "Step", "from_text", "load", "names", "rows"]
