"""How weights move: rules from old values to new, and what must hold before anything is written."""
