"""Fused images of any methods, ranked beside fusion without learning and published figures."""
