"""The stages of the setup, in the order of the story."""
