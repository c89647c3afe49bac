# Outlives every deadline of a test.
sleep 60
