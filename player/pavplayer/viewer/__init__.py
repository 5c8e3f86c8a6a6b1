"""`pav play`: avatars in the browser, drawn here and shown there."""
