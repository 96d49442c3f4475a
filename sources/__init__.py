"""Sources: their declarations (YAML), the HTTP client, the raw archive, and the bundled snapshots.

This package checks bytes (type, size, completeness). `transforms` and `schemas` check rows.
"""
