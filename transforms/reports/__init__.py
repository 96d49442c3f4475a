"""The monthly reports of uniformed personnel, read from their PDFs.

pages      a PDF's words and ruled lines, page by page, within limits
layouts    the known layouts, declared in layouts.yaml, and how a page is recognised
tables     a page's words as lines of cells: by the position of the headings, or by ruled cells
rows       lines of cells as rows, headings and totals
totals     the rows against every total that the report prints
reading    a file as the rows that `transforms.dialects.read` returns
"""
