"""What happened: events, ordered logs, and the join of what was shown with what was done."""
