"""What happens to a record before it is trained on."""
