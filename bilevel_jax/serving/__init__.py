"""Ways to use a fuser outside of Python code that fuses pairs: videos."""
