"""The warehouse: build a DuckDB file from tidy tables, check it, publish it by renaming, and read it read-only.

This package fetches nothing, transforms nothing, and does not use Prefect.
"""
