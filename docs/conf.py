"""Configuration of the documentation: python -m sphinx -W docs build/site

Two kinds of pages are written before Sphinx reads the others, and git ignores both: the API pages in `api/`, and in
`generated/` the tables that are made from the registries of the package. Notebooks and model cards are copied from
where they lie. Links name the place where a file lies, so that they work in the repository too. The page that fuses in
the browser goes into the site's folder `browser`; without npm or the network the site is built without it.
"""

import shutil
import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE)]

from api_pages import write_pages  # noqa: E402
from build_browser import write_page_and_link  # noqa: E402
from generated_tables import write_tables  # noqa: E402

project = "bilevel_jax"
smartquotes = False
author = "The bilevel_jax maintainers"
copyright = "2026, the bilevel_jax maintainers"  # noqa: A001
extensions = ["myst_nb"]
exclude_patterns = ["_ext", "browser", "generated", "_build"]

html_theme = "furo"
html_title = "bilevel_jax"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_extra_path = ["generated/beside"]  # copied as it is
python_maximum_signature_line_length = 100
add_module_names = False

myst_enable_extensions = ["dollarmath", "deflist", "attrs_inline"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_merge_streams = True

# Annotations name types by their last part, and several modules have a type of that name.
suppress_warnings = ["ref.python"]

write_pages(ROOT / "bilevel_jax", HERE / "api")
write_tables(HERE / "generated")
write_page_and_link(HERE / "generated")
for folder, files in {"examples": "examples/*.ipynb", "cards": "bilevel_jax/pretrained/*.md"}.items():
    (HERE / folder).mkdir(exist_ok=True)
    for path in sorted(ROOT.glob(files)):
        shutil.copy(path, HERE / folder / path.name)


def link_to_copies(app: Sphinx, name: str, source: list[str]) -> None:
    """Turns links to notebooks and model cards into links to their copies."""
    for lies, copied in (("bilevel_jax/pretrained/", "cards/"), ("examples/", "examples/")):
        for up, here in (("../../", "../"), ("../", "")):
            source[0] = source[0].replace(f"]({up}{lies}", f"]({here}{copied}")


def setup(app: Sphinx) -> None:
    app.connect("source-read", link_to_copies)
