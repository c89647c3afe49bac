"""Tests of the plain front end and the reports."""
