"""Tests that the bytes of today are those of every release since."""
