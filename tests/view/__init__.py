"""What a person is shown, as data."""
