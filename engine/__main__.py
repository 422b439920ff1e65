"""`python -m engine`: see `engine.cli`."""

import sys


def run() -> int:
    """Import what the arguments need, and run it."""
    from engine.cli.main import main

    return main()


if __name__ == "__main__":
    try:
        from engine.cli.exits import run_process

        run_process(run)
    except KeyboardInterrupt:  # before signals are handled
        sys.exit(130)
