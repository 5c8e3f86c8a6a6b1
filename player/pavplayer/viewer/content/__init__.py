"""What is shown: one avatar or several, as far as they have arrived."""
