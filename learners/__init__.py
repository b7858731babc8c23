"""What it means: tables, models and the trainer that learns from examples in their order."""
