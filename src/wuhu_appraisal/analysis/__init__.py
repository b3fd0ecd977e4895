"""What a result tells beyond its ranking; nothing here changes a score."""
