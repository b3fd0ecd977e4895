"""What people see of a result: each module renders the same result."""
