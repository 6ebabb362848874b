"""A decorated job for worker processes, importable under any start method."""

import os

from edbprof_native import profile

DIRECTORY = os.environ["JOBS_DIRECTORY"]


def step():
    pass


@profile(dir=DIRECTORY, save_every_n_calls=0)
def job(n):
    for _ in range(n):
        step()
    return os.getpid()


class Worker:
    @profile(dir=DIRECTORY, save_every_n_calls=0)
    def method(self, n):
        step()
        return n
