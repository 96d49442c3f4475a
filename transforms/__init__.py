"""Transform raw frames into tidy frames: pure functions on bytes and DataFrames. `data/` has the code lists.

The only files read here are the code lists. Nothing here imports Prefect or DuckDB.
"""
