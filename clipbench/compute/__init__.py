"""What the machine offers, and the settings that it computes with."""
