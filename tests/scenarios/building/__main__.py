"""Write the scenario directories: ``python -m tests.scenarios.building [MODULE…]``, without a module all of them."""

import shutil
import sys

from tests.scenarios.building.collected import MODULES, scenarios
from tests.scenarios.building.scenario import stale, write

if __name__ == "__main__":
    chosen = sys.argv[1:]
    if unknown := set(chosen) - set(MODULES):
        sys.exit(f"no such module: {', '.join(sorted(unknown))}")
    made = scenarios(chosen or MODULES)
    written = sum(write(one) for one in made)
    gone = [] if chosen else stale(made)
    for path in gone:
        shutil.rmtree(path)
    print(f"{len(made)} scenarios, {written} written, {len(gone)} removed")
