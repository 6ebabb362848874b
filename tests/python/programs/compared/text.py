"""Strings and regular expressions, with callbacks."""

import re
import string
import textwrap

TEXT = """The quick brown fox jumps over the lazy dog. Pack my box with five dozen
liquor jugs. How vexingly quick daft zebras jump! Sphinx of black quartz, judge my vow."""


def capital(match):
    return match.group().capitalize()


class Formatter(string.Formatter):
    def get_value(self, key, arguments, keywords):
        return "<" + str(super().get_value(key, arguments, keywords)) + ">"


def soundex(word):
    codes = {
        c: str(n)
        for n, group in enumerate(["bfpv", "cgjkqsxz", "dt", "l", "mn", "r"], 1)
        for c in group
    }
    digits = [codes.get(c, "") for c in word.lower()]
    return (word[0].upper() + "".join(digits[1:]) + "000")[:4]


def main():
    re.purge()  # Compiles anew each time: that is much Python.
    assert re.sub(r"\bq\w+", capital, TEXT).count("Quick") == 2
    assert len(re.compile(r"(?P<word>\w+)[.!,]", re.I).findall(TEXT)) == 5
    assert re.match(r"(a|b)*?c{2,3}(?=d)(?!e)\d?$|^$", "") is not None
    assert [m.start() for m in re.finditer("j", TEXT)][0] == 20
    assert Formatter().format("{0} and {x}", 1, x=2) == "<1> and <2>"
    assert string.Template("$a ${b}").substitute(a=1, b=2) == "1 2"
    assert len(textwrap.wrap(TEXT, 30)) == 6
    assert {soundex(word) for word in TEXT.split()} >= {"T000", "F200"}
    table = str.maketrans("aeiou", "AEIOU")
    assert TEXT.translate(table).swapcase().casefold() == TEXT.casefold()
    assert " ".join(word[::-1] for word in TEXT.split())[::-1].split()[-1] == "The"
