"""What real hosts answered to every remote script, and how it was recorded."""
