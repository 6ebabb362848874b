"""The work of `pytest --edbprof`. Its functions are in no recording, like the package's others."""
