"""Real hosts in containers, to practise on and to test against."""
