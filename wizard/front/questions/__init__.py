"""The setup in plain lines: the questions of the screens, one after another."""
