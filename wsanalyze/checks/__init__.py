"""What is wrong with the traffic: one file a family, one function a check."""
