"""The run on a Ray cluster: its processes transcribe, everything else is done where the run was started."""
