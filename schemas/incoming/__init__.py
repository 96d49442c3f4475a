"""Schemas of the sources' rows, after the published columns are renamed. A submodule for each subject declares them."""
