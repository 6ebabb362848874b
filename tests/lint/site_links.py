"""A hook of mkdocs: names sources of the checkout, which the site does not have, without a link."""

import re

_LINK = re.compile(r"\[([^\]]*)\]\((?:\.\./)+(examples/[^)]*)\)")

#: The name of the file that a block of code is from. Python-Markdown knows no such block.
_SOURCE = re.compile(r"^(```\w+) examples/\S+$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    return _SOURCE.sub(r"\1", _LINK.sub(r"`\2`", markdown))
