"""Pandera schemas: `incoming` for the rows of the sources, `tables` for the tables of the warehouse.

The declarations of `tables` hold types, units, keys, references and descriptions; the DDL, the comments and the
dictionary are rendered from them. Only `files` and `yaml_files` do I/O: helpers that
every other package may import.
"""
