"""The transformer example and the same model in plain PyTorch, to be measured side by side.

Each trains in a process of its own, which stays alive and measures when asked (`child.py`), so
that the two can take turns without compiling anew.
"""
