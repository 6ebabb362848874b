# cython: profile=True, linetrace=False
def leaf(int x): return x+1
def gen(n):
    for i in range(n): yield leaf(i)
def raising(n):
    for i in range(n): yield leaf(i)
    raise ValueError('x')
def nones(n):
    for i in range(n): yield None
def delegating(n):
    yield from gen(n)
def catching():
    while True:
        try:
            yield leaf(1)
        except KeyError:
            leaf(2)
def genexp(n): return sum(leaf(i) for i in range(n))
async def co(aw): return (await aw) + leaf(1)
async def raising_co(): raise ValueError('x')
async def agen(n):
    for i in range(n): yield leaf(i)
