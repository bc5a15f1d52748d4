"""StartPage: a card for each app."""
