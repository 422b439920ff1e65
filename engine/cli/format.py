"""`format`: lay `.hu` files out in the usual way."""

from __future__ import annotations

import argparse
import sys

from engine.cli.exits import ExitCode
from engine.humon.saving import write_whole


def run(options: argparse.Namespace) -> int:
    """Rewrite each file that is not laid out as usual, or with --check only say so and give CHECK_FAILED.

    Nothing is written before all files were read; raises InputError with the problems of all of them.
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
            write_whole(path, text)
            print(f"{path}: laid out anew")
    return ExitCode.CHECK_FAILED if options.check and changed else ExitCode.DONE
