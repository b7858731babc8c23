"""Loops over arrays, compiled: what a step on the CPU is made of."""
