"""What `pytest --edbprof` does. Its functions are in no recording, like the package's others."""
