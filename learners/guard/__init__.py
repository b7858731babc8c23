"""The guard: which rows of a batch may be learned, judged before the update by evidence in nats, group by group.

Numbers go in and decisions come out; nothing here knows examples, frames, models or where rows are kept.
"""
