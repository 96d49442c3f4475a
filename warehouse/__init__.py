"""The warehouse: a new DuckDB file from tidy tables, checked, published by renaming, and read read-only.

This room knows SQL and files. It neither fetches nor transforms, and knows nothing of Prefect.
"""
