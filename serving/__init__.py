"""What we show: the index, the live bundle, and the answer to a request."""
