"""A library from PyPI: docutils makes HTML of reStructuredText.

Its output is deterministic; what it reads of the environment is switched off.
"""

import docutils.core

TEXT = """
=====
Title
=====

:Author: Somebody

Section *one*
-------------

A paragraph with ``literal``, **strong**, a link_ and a footnote [#]_.

1. first
2. second

   - nested
   - list

.. _link: https://example.org
.. [#] The footnote.

.. note:: Beware.

+-----+-----+
| a   | b   |
+=====+=====+
| 1   | 2   |
+-----+-----+

.. code:: text

   code |sub|
"""

SETTINGS = {
    "_disable_config": True,
    "report_level": 5,
    "embed_stylesheet": False,
    "stylesheet_path": None,
    "stylesheet": None,
    "datestamp": None,
    "generator": None,
    "input_encoding": "unicode",
    "output_encoding": "unicode",
}


def main():
    html = docutils.core.publish_parts(TEXT, writer_name="html4css1", settings_overrides=SETTINGS)[
        "html_body"
    ]
    assert '<h1 class="title">Title</h1>' in html and "<table" in html
