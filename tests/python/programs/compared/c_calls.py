"""Builtins of every sort: functions, methods, bound, unbound, of classes, of subclasses."""

import collections
import datetime
import math
import operator
import struct


class Words(list):
    def append(self, word):
        super().append(word.strip())


class Plain:
    pass


def main():
    words = Words()
    for word in " to be or not to be ".split():
        words.append(word)
        list.append(words, word.upper())
    assert len(words) == 12
    counts = collections.Counter(words)
    assert counts.most_common(1)[0][1] == 2
    assert dict.fromkeys("abc").pop("a") is None
    assert str.join("-", ["a", "b"]) == "-".join(["a", "b"])
    assert [getattr("text", name)() for name in ("upper", "title", "strip")][0] == "TEXT"
    assert math.fsum(map(math.sqrt, range(10))) > 19
    assert int.from_bytes(struct.pack(">I", 258), "big") == 258
    assert datetime.date.fromisoformat("2020-02-29").isoformat() == "2020-02-29"
    assert isinstance(object.__new__(Plain), Plain)
    assert operator.itemgetter(1)([1, 2]) == 2
    assert max("abc", key=ord) == "c" and min([3, 1, 2]) == 1
    assert isinstance(words, list) and hasattr(words, "append") and callable(len)
    for bad in ("len(5)", "int('x')", "[].pop()", "{}.popitem()", "''.index('x')", "iter(5)"):
        try:
            eval(bad)
        except (TypeError, ValueError, IndexError, KeyError):
            pass
    deque = collections.deque(range(5))
    deque.rotate(2)
    method = deque.popleft
    assert [method(), method()] == [3, 4]
