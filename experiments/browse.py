"""Shows a data set as one HTML file: python experiments/browse.py --dataset=msrs --source=DIR [--out=FILE.html]

The file shows pairs with boxes and label borders, counts of classes, day and night, sizes of boxes, and rejected files.
It reveals label folders that are shifted, and wrong palettes. --dataset=scenes shows the built-in scenes.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.browse:browse_command"))
