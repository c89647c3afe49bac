"""Tests on real hosts in containers, and of the lab that gives them."""
