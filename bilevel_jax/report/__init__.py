"""What a run shows to people: metrics files, picture sheets, curve plots, text tables and HTML pages.

Import from the modules themselves. This file imports nothing, so that a text table costs no import of matplotlib.
"""
