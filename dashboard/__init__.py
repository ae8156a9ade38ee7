"""What a person looks at. Reads through warehouse.reader alone."""
