"""The controls in the browser."""
