"""`format`: format `.hu` files in the standard layout."""

from __future__ import annotations

import argparse
import sys

from engine.cli.exits import ExitCode
from engine.humon.saving import write_atomically


def run(options: argparse.Namespace) -> int:
    """Format each file, or with --check only list files that would change and return CHECK_FAILED.

    Nothing is written before all files have been read; raises InputError with the problems of all of them.
    """
    from engine.humon import ProblemCollector, format_document, read

    collector = ProblemCollector()
    changed = []
    for path in options.files:
        with collector.catching():
            document = read(path)
            text = format_document(document)
            if text != document.text:
                changed.append((path, text))
    collector.check()
    for path, text in changed:
        if options.check:
            print(f"{path}: would change", file=sys.stderr)
        else:
            write_atomically(path, text)
            print(f"{path}: formatted")
    return ExitCode.CHECK_FAILED if options.check and changed else ExitCode.DONE
