"""A hook of mkdocs: names sources of the checkout, which the site does not have, without a link."""

import re

_LINK = re.compile(r"\[([^\]]*)\]\((?:\.\./)+(examples/[^)]*)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
    return _LINK.sub(r"`\2`", markdown)
