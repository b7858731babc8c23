"""Exact ids, the rows that belong to them, and which ids have one."""
