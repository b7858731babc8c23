"""Losses as functions of logits: sums over rows, so that each table row gets its summed gradient."""
