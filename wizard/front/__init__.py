"""The plain text front end and the doctor's report."""
