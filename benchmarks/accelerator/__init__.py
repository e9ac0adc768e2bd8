"""What a machine with an accelerator must show, by one command: `python -m benchmarks.accelerator`.

`measurements.py` says what a measurement is, `sections.py` lists them and runs each section in a
process of its own, `__main__.py` is the command; every other file is one section.
"""
