"""The daily run: finds the calls of a day, does what is missing, makes the documents, sends the mails."""
