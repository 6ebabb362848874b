"""json with hooks and in pure Python, ast, tokenize: much library code."""

import ast
import io
import json
import json.decoder
import json.encoder
import json.scanner
import tokenize

DATA = {"list": [1, 2.5, None, True, {"deep": [[], {}, "ünï"]}], "text": 'a"b\\c\n' * 3}

SOURCE = '''
def f(x, *, y=[1, 2]):
    """Doc."""
    return {a: b for a, b in zip(x, y) if a} or f"{x!r:>{y}}"
class C(f):
    @property
    async def g(self): await (yield)
'''


class PureDecoder(json.JSONDecoder):
    def __init__(self):
        super().__init__()
        self.parse_string = json.decoder.py_scanstring
        self.scan_once = json.scanner.py_make_scanner(self)


class Encoder(json.JSONEncoder):
    def default(self, thing):
        return sorted(thing)


class Names(ast.NodeVisitor):
    def __init__(self):
        self.found = []

    def visit_Name(self, node):
        self.found.append(node.id)
        self.generic_visit(node)


class Renamer(ast.NodeTransformer):
    def visit_Name(self, node):
        return ast.copy_location(ast.Name(node.id * 2, node.ctx), node)


def main():
    text = json.dumps(DATA, indent=2, sort_keys=True)
    assert json.loads(text) == PureDecoder().decode(text) == DATA
    assert json.dumps({"set": {2, 1}}, cls=Encoder) == '{"set": [1, 2]}'
    assert len(json.loads(text, object_pairs_hook=lambda pairs: pairs)) == 2
    tree = ast.parse(SOURCE)
    names = Names()
    names.visit(tree)
    assert names.found.count("x") == 2
    assert "xx" in ast.dump(Renamer().visit(tree))
    assert sum(1 for _ in ast.walk(tree)) > 40
    tokens = list(tokenize.generate_tokens(io.StringIO(SOURCE).readline))
    assert len(tokens) > 60
    assert ast.literal_eval("[1, {'a': (2, 3)}]") == [1, {"a": (2, 3)}]
