"""The briefing: one HTML page a mission, for readers; its figures from the warehouse by SQL, its charts drawn here.

`asking` says whom the page is about; `toll`, `people`, `money` and `provenance` have the figures of a section each, and
`figures` puts them together; `drawings` draws them with the kinds of chart in `charts`; `page` renders and writes, in
the `words` and `colours` of those modules. Nothing here writes to the warehouse.
"""
