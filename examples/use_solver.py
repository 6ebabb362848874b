"""Uses the module `solver` of any example. Build one, and start this beside it:

PYTHONPATH=cpython edbprof run use_solver.py
"""

import solver

print(solver.solve(3))
if hasattr(solver, "solve_in_threads"):
    solver.solve_in_threads(2, 2)
