"""The table of a run's held-out pairs, the figures of val while it trains, and the page of one run."""
