"""Deterministic programs whose counts are compared with cProfile's.

Each module has a `main()` that does the same every time it is called.
"""
