"""What a source must look like (`incoming`) and what the warehouse promises (`tables`), each declared once.

Pandera carries both. Types, units, keys, references and descriptions stand in the column declarations, and the
DDL, the comments and the dictionary are rendered from them. Nothing here reads or writes anything.
"""
