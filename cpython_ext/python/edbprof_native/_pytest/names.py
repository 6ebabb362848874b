"""Files that are named after tests."""

import os

#: Bytes of a file's name that leave room for a suffix.
_LONGEST = 180


def path_of_test(directory: str, nodeid: str, suffix: str) -> str:
    """Return a test's file: `tests/test_a.py/TestB.test_c` for `tests/test_a.py::TestB::test_c`."""
    file, _, rest = nodeid.partition("::")
    plain = rest.replace("::", ".") or "all"
    name = "".join("-" if each in '/\\:*?"<>|' or each < " " else each for each in plain)
    if name != plain or len(os.fsencode(name)) > _LONGEST:
        import hashlib

        digest = hashlib.sha256(nodeid.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        short = os.fsencode(name)[:_LONGEST].decode("utf-8", "ignore")
        name = f"{short}-{digest}"
    parts = [part for part in file.split("/") if part not in ("", ".", "..")]
    return os.path.join(directory, *parts, name + suffix)
