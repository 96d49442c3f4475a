"""What is published, by whom, and its bytes as they were: declarations, HTTP client, raw archive, bundled files.

This room judges bytes (type, size, whole). What the rows say is judged in `transforms` and `schemas`.
"""
