"""What is put on hosts, as bytes made from data: no I/O."""
