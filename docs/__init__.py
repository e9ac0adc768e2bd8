"""A package, so that tests import `docs._site` of this folder and of no other `docs`."""
