"""The screens, walked by keyboard on practice hosts."""
