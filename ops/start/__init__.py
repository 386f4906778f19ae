"""`understudy init` and `understudy try`: a first migration folder, and what becomes of a few rows by it."""
