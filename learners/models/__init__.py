"""The models that a learner can be asked for by name."""
