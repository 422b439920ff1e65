"""`python -m viewer`: see `viewer.main`."""

from engine.cli.exits import run_process


def run() -> int:
    """Import what the arguments need, and run it."""
    from viewer.main import main

    return main()


if __name__ == "__main__":
    run_process(run)
