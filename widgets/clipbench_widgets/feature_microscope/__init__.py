"""Features of a sparse autoencoder, looked at and turned."""
