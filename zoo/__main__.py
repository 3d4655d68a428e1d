"""``python -m zoo COMMAND``."""

import os
import sys

if __name__ == "__main__":
    # Waiting threads sleep instead of spinning: on a busy machine spinning makes torch ten times slower.
    # The runtime reads this when torch is first imported, which is after this line.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")

    from zoo.arguments import main

    sys.exit(main())
