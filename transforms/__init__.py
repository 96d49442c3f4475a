"""From raw frames to tidy frames: pure functions on bytes and DataFrames, with the code lists as data beside them.

No file is opened here but the project's own code lists, nothing is fetched, and neither Prefect nor DuckDB is known.
"""
