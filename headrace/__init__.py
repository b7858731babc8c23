"""Put together: settings, wiring, processes, the command line, the demo. No logic of the four packages."""
