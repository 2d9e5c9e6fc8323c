"""The plan of an installation on paper: what so many calls a day need, and what breaks first."""
