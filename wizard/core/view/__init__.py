"""What a person is shown, as data: the screens and the plain front end draw the same models."""
