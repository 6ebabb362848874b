# cython: language_level=3
def add(int x): return x + 1
def apply(function): return function()
def fail(): raise ValueError('x')
cpdef int cpdef_add(int x): return x + 1
def make(by):
    def inner(x): return x + by
    return inner
class Plain:
    def add(self, x): return x + 1
    @staticmethod
    def of(x): return x
cdef class Adder:
    def add(self, x): return x + 1
    def __call__(self, x): return x + 1
    @classmethod
    def of(cls, x): return x
