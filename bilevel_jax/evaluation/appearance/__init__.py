"""Tables of what an eye minds in fused pictures: for a run, for a leaderboard, and for methods on several sets."""
