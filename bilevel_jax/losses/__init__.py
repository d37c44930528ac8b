"""Losses as (prediction, target) -> (sum, normaliser): their quotient is exact over any number of devices."""
