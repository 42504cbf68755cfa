"""The page for people: what a release holds, where it came from, what was dropped, and what is promised of it."""
