"""The way back under chaos: the real folds, driven and killed between any two effects, against one pass."""
