"""Shows a data set: python experiments/browse.py --dataset=msrs --source=DIR [--out=FILE.html]

One HTML file: pairs with boxes and label borders, class counts, day and night, sizes of boxes, what was rejected. It is
how one finds out that a label folder is shifted or a palette wrong. --dataset=scenes shows the built-in scenes.
"""

import sys

from bilevel_jax.start import start

if __name__ == "__main__":
    sys.exit(start("bilevel_jax.commands.browse:browse_command"))
