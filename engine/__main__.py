"""`python -m engine`: see `engine.cli`."""

from engine.cli.exits import run_process


def run() -> int:
    """Import what the arguments need, and run it."""
    from engine.cli.main import main

    return main()


if __name__ == "__main__":
    run_process(run)
