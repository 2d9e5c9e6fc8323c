"""What every surface shares: language, wording, pictures, fonts, the template environment, types of view data."""
