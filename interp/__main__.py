"""``python -m interp``: the same program as ``interp``."""

if __name__ == "__main__":
    import sys

    from interp.cli.main import main

    sys.exit(main(program=("python", "-m", "interp")))
