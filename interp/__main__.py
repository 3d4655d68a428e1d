"""``python -m interp``: the same program as ``interp``."""

import sys

if __name__ == "__main__":
    from interp.cli.main import main

    sys.exit(main(program=("python", "-m", "interp")))
