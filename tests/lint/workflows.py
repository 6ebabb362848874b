"""Run shellcheck on each `run:` of the workflows, and ask of each action to be pinned."""

import pathlib
import re
import subprocess
import sys

# `- run: command`, or a block `run: |` with its lines.
RUN = re.compile(r"^( *)(?:- )?run: (?:[|>]-?\n((?:\1 +.*\n|\n)+)|(.*)\n)", re.MULTILINE)
USES = re.compile(r"uses: (?!\./)(\S+)(.*)")
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")

failed = False
for path in sorted(pathlib.Path(".github/workflows").glob("*.yml")):
    text = path.read_text(encoding="utf-8")
    for match in RUN.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        # Replace GitHub's expressions by a word, because the shell never sees them.
        command = re.sub(r"\$\{\{.*?\}\}", "expression", match[2] or match[3] + "\n")
        command = "set -e\n" + command  # GitHub runs the shell with -e.
        done = subprocess.run(
            ["shellcheck", "--shell=bash", "--format=gcc", "-"],
            input=command,
            stdout=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0:
            failed = True
            print(f"{path}:{line}:", done.stdout, sep="\n")
    for action, comment in USES.findall(text):
        if not PINNED.fullmatch(action) or not re.fullmatch(r"  # v\d[\w.]*", comment):
            failed = True
            print(f"{path}: {action}{comment}: pin the action by commit, its version behind '  # '")
sys.exit(failed)
