"""Ranks fused images of any methods beside fusion without learning and published figures."""
