"""What is done with finished files: inspect, verify, cut, find their rig."""
