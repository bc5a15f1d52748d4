"""What the machine offers, and how it is told to compute."""
