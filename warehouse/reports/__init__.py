"""HTML pages for readers: a mission's briefing, the index of a folder, what changed between two builds.

`scope` finds the mission and the days of a page; `toll`, `people`, `money` and `provenance` read the figures of a
section each, and `briefing` puts them together; `drawings` draws them with the kinds of chart in `charts`; `page`
renders the templates and writes the files. Nothing here writes to the warehouse.
"""
