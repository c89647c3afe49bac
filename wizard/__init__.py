"""A terminal setup wizard for a homelab that stays up when one machine dies."""
