"""Train the bundled reader on the labelled calls of `corpus/`: `python -m training.reader`."""
