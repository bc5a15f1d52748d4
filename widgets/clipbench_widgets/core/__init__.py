"""What all apps share: style, inputs, uploads, background work."""
