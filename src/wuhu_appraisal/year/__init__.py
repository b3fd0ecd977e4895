"""What a person decided about the input, as data: read, applied to what was read, written down."""
