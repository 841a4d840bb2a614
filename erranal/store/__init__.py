"""The study's database: the only place that knows DuckDB and SQL."""

from erranal.store.study import Journal, Study, Transaction

__all__ = ["Journal", "Study", "Transaction"]
