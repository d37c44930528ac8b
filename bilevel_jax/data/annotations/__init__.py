"""Boxes, class names and label maps as files hold them, and the checks that refuse bad ones."""
