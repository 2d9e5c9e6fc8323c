"""What spans packages: an installation (`workspace`), and everything that is done with it, from recordings to mails."""
