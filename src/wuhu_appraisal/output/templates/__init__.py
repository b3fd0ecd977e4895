"""Templates: from a scheme, every form that it expects, ready to send."""
