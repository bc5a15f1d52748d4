"""Readers of data on disk and on the hub: folders, tables, shards, captions beside images."""
